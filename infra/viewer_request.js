import cf from 'cloudfront';

// The edge: documented addresses to the APIs behind them. `CONTRACTS` and `HOSTS` are filled in by infra/edge.py.
//   /agentworks/v1/boards            -> REST API of agentworks, /v1/boards
//   /agentworks/api/cards/1/terminal -> socket API, /v1?path=/api/cards/1/terminal&contract=agentworks
// A host of HOSTS serves one contract without the first segment: there the documented address is literal.
var CONTRACTS = __CONTRACTS__;
var HOSTS = __HOSTS__;

function handler(event) {
    var request = event.request;
    var host = request.headers.host ? request.headers.host.value.toLowerCase() : '';
    var name = own(HOSTS, host);
    var path = request.uri;
    if (!name) {
        var end = path.indexOf('/', 1);
        name = end < 0 ? path.slice(1) : path.slice(1, end);
        path = end < 0 ? '/' : path.slice(end);
    }
    var contract = own(CONTRACTS, name);
    if (!contract) {
        return notFound();
    }
    if (request.headers.host) {
        request.headers['x-forwarded-host'] = { value: host };
    }
    for (var i = 0; i < contract.sockets.length; i++) {
        if ((path + '/').indexOf(contract.sockets[i]) === 0) {
            request.querystring.path = { value: encodeURIComponent(path) };
            request.querystring.contract = { value: name };
            request.uri = '/__STAGE__';
            cf.selectRequestOriginById('socket');
            return request;
        }
    }
    if (path !== contract.base && path.indexOf(contract.base + '/') !== 0) {
        return notFound();
    }
    // the base ends in the API's stage name: what comes before it is ours to drop
    request.uri = '/__STAGE__' + path.slice(contract.base.length);
    cf.selectRequestOriginById(name);
    return request;
}

// A path like /constructor must not find what every object inherits
function own(map, key) {
    return Object.prototype.hasOwnProperty.call(map, key) ? map[key] : undefined;
}

function notFound() {
    return {
        statusCode: 404,
        statusDescription: 'Not Found',
        headers: { 'content-type': { value: 'application/json' }, 'cache-control': { value: 'no-store' } },
        body: '{"error":{"code":"NOT_FOUND","message":"No API is published at this address"}}',
    };
}
