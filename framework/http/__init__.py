"""Words of HTTP as pure functions: header values in, decisions out, without a server or a request."""
