package transport

import (
	"context"
	"net/http"
	"net/url"
)

const redacted = "[redacted]"

type (
	tokenKey   struct{}
	refusedKey struct{}
)

// secret keeps a token where printing a context shows an address only.
type secret struct{ token string }

func withToken(ctx context.Context, token string) context.Context {
	return context.WithValue(ctx, tokenKey{}, &secret{token})
}

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
}

func (a authorizer) RoundTrip(req *http.Request) (*http.Response, error) {
	s, ok := req.Context().Value(tokenKey{}).(*secret)
	if ok && req.URL.Scheme == a.origin.Scheme && req.URL.Host == a.origin.Host {
		req = req.Clone(req.Context())
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	return a.next.RoundTrip(req)
}
