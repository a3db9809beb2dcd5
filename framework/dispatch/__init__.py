"""The way of a request through an application: the endpoint of a path, and its chain of middlewares."""
