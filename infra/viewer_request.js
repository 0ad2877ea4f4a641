import cf from 'cloudfront';

// The edge: documented addresses to the APIs behind them. `CONTRACTS` and `HOSTS` are filled in by infra/edge.py.
//   /agentworks/v1/boards            -> REST API of agentworks, /v1/boards
//   /agentworks/api/cards/1/terminal -> socket API, /v1?path=/api/cards/1/terminal&contract=agentworks
//   /enterprise/docs                 -> redirected to /enterprise/v1/docs
//   /omoios/api/validation/status    -> REST API of omoios, /v1/validation/status (documented beside its base)
//   /enterprise/v0/projects          -> REST API of enterprise, /v1/v0/projects (says where it is now)
//   /.well-known/jwks.json           -> REST API of enterprise, /v1/.well-known/jwks.json (RFC 8414: before every path)
// On a host of HOSTS one contract is also served without the first segment: there the documented address is literal.
var CONTRACTS = __CONTRACTS__;
var HOSTS = __HOSTS__;
var WELL_KNOWN = __WELL_KNOWN__;

function handler(event) {
    var request = event.request;
    var host = request.headers.host ? request.headers.host.value.toLowerCase() : '';
    var path = request.uri;
    var end = path.indexOf('/', 1);
    var mounted = end < 0 ? '/' : path.slice(end);
    var found = wellKnown(path) || find(own(HOSTS, host), path) || find(end < 0 ? path.slice(1) : path.slice(1, end), mounted);
    if (!found) {
        return notFound();
    }
    if (found.page) {
        return moved(path.slice(0, path.length - found.path.length) + found.page);
    }
    if (request.headers.host) {
        request.headers['x-forwarded-host'] = { value: host };
    }
    request.uri = '/__STAGE__' + found.rest;
    if (found.socket) {
        request.querystring = plain(request.querystring);
        request.querystring.path = { value: encodeURIComponent(found.path) };
        request.querystring.contract = { value: found.name };
    }
    cf.selectRequestOriginById(found.socket ? 'socket' : found.name);
    return request;
}

// What clients look for at the root of whatever host the issuer is
function wellKnown(path) {
    return WELL_KNOWN.indexOf(path) < 0 ? undefined : { name: 'enterprise', path: path, socket: false, rest: path };
}

// The contract of this name, if it has the path
function find(name, path) {
    var contract = own(CONTRACTS, name);
    if (!contract) {
        return undefined;
    }
    for (var i = 0; i < contract.sockets.length; i++) {
        if ((path + '/').indexOf(contract.sockets[i]) === 0) {
            // encodeURIComponent throws on half a character, and no path of a socket has one that is not plain
            return /^[!-~]*$/.test(path) ? { name: name, path: path, socket: true, rest: '' } : undefined;
        }
    }
    if (contract.pages.indexOf(path) >= 0) {
        return { name: name, path: path, page: contract.base + path };
    }
    for (var k = 0; k < contract.beside.length; k++) {
        if ((path + '/').indexOf(contract.beside[k][0] + '/') === 0) {
            var below = contract.beside[k][1] + path.slice(contract.beside[k][0].length);
            return { name: name, path: path, socket: false, rest: below };
        }
    }
    for (var j = 0; j < contract.retired.length; j++) {
        if ((path + '/').indexOf(contract.retired[j] + '/') === 0) {
            return { name: name, path: path, socket: false, rest: path };
        }
    }
    if (path !== contract.base && path.indexOf(contract.base + '/') !== 0) {
        return undefined;
    }
    // the base ends in the API's stage name: what comes before it is ours to drop
    return { name: name, path: path, socket: false, rest: path.slice(contract.base.length) };
}

// Without the parameters whose names are written with %: the gateway would read `p%61th` as `path` too
function plain(query) {
    var kept = {};
    for (var name in query) {
        if (name.indexOf('%') < 0) {
            kept[name] = query[name];
        }
    }
    return kept;
}

// A path like /constructor must not find what every object inherits
function own(map, key) {
    return Object.prototype.hasOwnProperty.call(map, key) ? map[key] : undefined;
}

function moved(address) {
    return {
        statusCode: 302,
        statusDescription: 'Found',
        headers: { location: { value: address }, 'cache-control': { value: 'no-store' } },
    };
}

function notFound() {
    return {
        statusCode: 404,
        statusDescription: 'Not Found',
        headers: { 'content-type': { value: 'application/json' }, 'cache-control': { value: 'no-store' } },
        body: '{"error":{"code":"NOT_FOUND","message":"No API is published at this address"}}',
    };
}
