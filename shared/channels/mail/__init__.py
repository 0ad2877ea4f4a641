"""Mail: asked for by `outbox.send`, worded by `letters`, handed to SES by the function `mailer`."""
