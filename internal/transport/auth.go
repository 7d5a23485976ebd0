package transport

import (
	"context"
	"net/http"
	"net/url"
)

const redacted = "[redacted]"

type refusedKey struct{}

// TokenRefused reports whether a token is being asked for because the server
// refused the one before.
func TokenRefused(ctx context.Context) bool {
	refused, _ := ctx.Value(refusedKey{}).(bool)
	return refused
}

// authorizer adds the token. It is the last hop before the caller's transport,
// so that hooks that record requests never see it, and it looks at the address
// once more, so that a hook that changed it does not take the token along.
type authorizer struct {
	origin *url.URL
	next   http.RoundTripper
	// inPlace says that the request is the call's own.
	inPlace bool
}

func (a authorizer) RoundTrip(req *http.Request) (*http.Response, error) {
	if c := callOf(req.Context()); c != nil && req.URL.Scheme == a.origin.Scheme && req.URL.Host == a.origin.Host {
		if !a.inPlace {
			copied := *req // a transport must not change what it is given
			copied.Header = req.Header.Clone()
			req = &copied
		}
		req.Header["Authorization"] = []string{"Bearer " + c.token}
	}
	return a.next.RoundTrip(req)
}
