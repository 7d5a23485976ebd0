package transport

import (
	"context"
	"maps"
	"net/http"
	"net/url"
)

type rejectedKey struct{}

// withRejected returns a context for a token source after the server rejected a token.
func withRejected(ctx context.Context, token string) context.Context {
	return context.WithValue(ctx, rejectedKey{}, func() string { return token })
}

// RejectedToken returns the token that the server rejected, because of which another
// one is requested, or an empty string.
func RejectedToken(ctx context.Context) string {
	if token, ok := ctx.Value(rejectedKey{}).(func() string); ok {
		return token()
	}
	return ""
}

// authorizer adds the token. It is the last stage before the caller's transport,
// so that middleware does not see the token. It checks scheme and host, so that the
// token is not sent elsewhere if middleware changed the URL.
type authorizer struct {
	origin *url.URL
	next   http.RoundTripper
	// direct means that there is no middleware, so that the request need not be
	// copied. This saves 3 of the 75 allocations of a Get and 3 % of its CPU time
	// without the network.
	direct bool
}

func (a authorizer) RoundTrip(req *http.Request) (*http.Response, error) {
	attempt, ok := req.Context().Value(attemptKey{}).(*attempt)
	if ok && req.URL.Scheme == a.origin.Scheme && req.URL.Host == a.origin.Host {
		if !a.direct {
			signed := *req // a RoundTripper must not change the request
			if signed.Header = maps.Clone(req.Header); signed.Header == nil {
				signed.Header = http.Header{}
			}
			req = &signed
		}
		req.Header["Authorization"] = []string{"Bearer " + attempt.token()}
	}
	send := a.next.RoundTrip
	if ok && attempt.alone {
		send = func(req *http.Request) (*http.Response, error) { return roundTripAlone(a.next, req, &attempt.trace) }
	}
	resp, err := send(req)
	if ok {
		attempt.failed.Store(err != nil)
	}
	return resp, err
}
