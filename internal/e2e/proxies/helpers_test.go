//go:build proxies

package proxies_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const token = "test-token-4b1d9c"

// call is a call that must not be carried out twice, unless it repeats.
type call struct {
	name         string
	method, path string
	do           func(ctx context.Context, client *apono.Client) error
	repeats      bool // its requests may be received more than once
}

var (
	create           = creates(`"small"`)
	resetCredentials = call{name: "POST without a body", method: "POST", path: "/api/user/v1/access-sessions/{id}/reset-credentials", do: func(ctx context.Context, client *apono.Client) error {
		_, err := client.Sessions.ResetCredentials(ctx, "s1")
		return err
	}}
	details = call{name: "consuming read", method: "GET", path: "/api/user/v1/access-sessions/{id}/access-details", do: func(ctx context.Context, client *apono.Client) error {
		_, err := client.Sessions.GetAccessDetails(ctx, "s1")
		return err
	}}
	legacyDetails = call{name: "legacy consuming read", method: "GET", path: "/api/v3/access-requests/{id}/access-details", do: func(ctx context.Context, client *apono.Client) error {
		_, err := client.Legacy.AccessRequests.GetAccessDetails(ctx, "ar1")
		return err
	}}
	calls = []call{create, resetCredentials, details, legacyDetails}
	posts = []call{create, resetCredentials}
	reads = []call{details, legacyDetails}
)

// creates returns a POST with a value of the configuration in its body.
func creates(value string) call {
	return call{name: "POST", method: "POST", path: "/api/admin/v4/integrations", do: func(ctx context.Context, client *apono.Client) error {
		_, err := client.Integrations.Create(ctx, apono.CreateIntegrationInput{
			Name: "i" + fmt.Sprint(ctx.Value(callKey{})), Type: "postgresql", IntegrationConfig: apono.Object{"value": value},
		})
		return err
	}}
}

// rig is a client whose requests go through a proxy to a fake server.
type rig struct {
	*proxy
	protocol int
	client   *apono.Client
	fake     *aponotest.Server
	upstream *upstream
	logged   *output
	calls    atomic.Int32
	relay    *relay // between the client and the proxy, nil for none

	mu    sync.Mutex
	open  map[net.Conn]bool // the client's connections
	dials int
}

// way is a proxy and the protocol between it and the client.
type way struct {
	kind
	protocol int
	conns    int // MaxConnsPerHost of the client, 0 for no limit
}

var (
	overHTTP2  = way{kind: nginx, protocol: 2}
	everywhere = []way{{kind: nginx, protocol: 1}, overHTTP2, {kind: haproxy, protocol: 1}, {kind: haproxy, protocol: 2}}
)

// each runs a test once for each way.
func each(t *testing.T, ways []way, s site, test func(t *testing.T, r *rig), opts ...apono.Option) {
	for _, w := range ways {
		t.Run(fmt.Sprintf("%s over HTTP %d", w.name, w.protocol), func(t *testing.T) {
			t.Parallel()
			test(t, newRig(t, w, s, opts))
		})
	}
}

func newRig(t *testing.T, w way, s site, opts []apono.Option) *rig {
	t.Helper()
	r := &rig{protocol: w.protocol, open: map[net.Conn]bool{}, logged: &output{}}
	r.fake = aponotest.NewServer(t, aponotest.WithToken(token), aponotest.WithoutNetwork())
	r.fake.Put(aponotest.AccessRequests, json.RawMessage(`{"id": "ar1", "custom_fields": {}, "access_groups": [], "status": "ACTIVE"}`))
	r.fake.Put(aponotest.Sessions, json.RawMessage(`{"id": "s1", "name": "db", "request_ids": ["ar1"], "integration": {"id": "pg", "name": "pg"},
		"credentials_status": "AVAILABLE", "can_reset_credentials": true}`))
	r.fake.Put(aponotest.DetailsOf("s1"), json.RawMessage(`{"instructions": "log in"}`))
	r.upstream = newUpstream(t, r.fake)
	s.upstream = r.upstream.Listener.Addr().String()
	r.proxy = w.start(t, s)

	standard, ok := http.DefaultTransport.(*http.Transport)
	require.True(t, ok)
	transport := standard.Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: authority.pool, MinVersion: tls.VersionTLS12}
	transport.MaxConnsPerHost = w.conns
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP1(w.protocol == 1)
	transport.Protocols.SetHTTP2(w.protocol == 2)
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if r.relay != nil {
			address = r.relay.Addr().String()
		}
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return r.opened(conn), nil
	}
	opts = append([]apono.Option{
		apono.WithBaseURL("https://" + r.address), apono.WithHTTPClient(&http.Client{Transport: transport}),
		apitest.Quickly, apitest.JSONLogger(r.logged), apono.WithMiddleware(r.spoken(t)),
	}, opts...)
	client, err := apono.NewClient(token, opts...)
	require.NoError(t, err)
	r.client = client
	t.Cleanup(func() {
		client.CloseIdleConnections()
		for id, seen := range r.upstream.all() {
			assert.True(t, seen == 1 || strings.HasPrefix(id, repeating), "requests of call %s: %d", id, seen)
		}
		assert.Contains(t, r.logged.String(), `"msg":"apono request"`, "the client did not log")
		assert.NotContains(t, r.logged.String(), token, "the client's log has the token")
		assert.NotContains(t, r.output.String(), token, "the proxy's log has the token")
	})
	return r
}

// opened records a connection until it is closed.
func (r *rig) opened(conn net.Conn) net.Conn {
	tracked := &connection{Conn: conn, rig: r}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open[tracked] = true
	r.dials++
	return tracked
}

// connections returns the open connections, and the number of all connections so far.
func (r *rig) connections() (open []net.Conn, dials int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Keys(r.open)), r.dials
}

type connection struct {
	net.Conn
	rig *rig
}

func (c *connection) Close() error {
	c.rig.mu.Lock()
	delete(c.rig.open, c)
	c.rig.mu.Unlock()
	return c.Conn.Close()
}

// spoken returns middleware that checks the protocol of responses.
func (r *rig) spoken(t *testing.T) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return apitest.RoundTripFunc(func(req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil {
				assert.Equal(t, r.protocol, resp.ProtoMajor, "the protocol between client and proxy")
			}
			return resp, err
		})
	}
}

// outcome is the outcome of a call.
type outcome struct {
	call call
	err  error
	seen int // number of its requests that the fake received
}

type callKey struct{}

// repeating begins the id of a call that repeats.
const repeating = "repeating "

// try makes a call on the goroutine of the test.
func (r *rig) try(t *testing.T, c call) outcome {
	t.Helper()
	return r.tryIn(t, t.Context(), c)
}

func (r *rig) tryIn(t *testing.T, ctx context.Context, c call) outcome {
	t.Helper()
	o := r.run(t, ctx, c)
	if o.err != nil {
		apitest.IsPresentable(t, o.err)
	}
	return o
}

// run makes a call on any goroutine, and checks that no token is printed.
func (r *rig) run(t *testing.T, ctx context.Context, c call) outcome {
	t.Helper()
	id := strconv.Itoa(int(r.calls.Add(1)))
	if c.repeats {
		id = repeating + id
	}
	ctx = apono.WithRequestHeader(context.WithValue(ctx, callKey{}, id), header, id)
	o := outcome{call: c, err: c.do(ctx, r.client)}
	o.seen = r.upstream.seen(id)
	if o.err != nil || o.seen != 1 && !c.repeats {
		t.Logf("%s: requests received by the fake: %d; error: %v", c.name, o.seen, o.err)
	}
	for err := range tree(o.err) {
		assert.NotContains(t, apitest.Printed(err), token, "%T prints the token", err)
	}
	if page := (*apono.APIError)(nil); errors.As(o.err, &page) {
		assert.NotContains(t, string(page.Body)+fmt.Sprint(page.Header), token, "the page has the token")
	}
	if cut := (*apono.DecodeError)(nil); errors.As(o.err, &cut) {
		assert.NotContains(t, string(cut.Body)+fmt.Sprint(cut.Header), token, "the response has the token")
	}
	return o
}

// tree yields an error and all that it wraps.
func tree(err error) func(yield func(error) bool) {
	return func(yield func(error) bool) {
		for queue := []error{err}; len(queue) > 0; queue = queue[1:] {
			if queue[0] == nil {
				continue
			}
			if !yield(queue[0]) {
				return
			}
			switch wrapped := queue[0].(type) { //nolint:errorlint // the loop unwraps
			case interface{ Unwrap() error }:
				queue = append(queue, wrapped.Unwrap())
			case interface{ Unwrap() []error }:
				queue = append(queue, wrapped.Unwrap()...)
			}
		}
	}
}

// succeeded fails the test unless the call was carried out once.
func (o outcome) succeeded(t *testing.T) {
	t.Helper()
	require.NoError(t, o.err, o.call.name)
	require.Equal(t, 1, o.seen, o.call.name)
}

// isPage fails the test unless the error is an error page of the proxy, on the only
// attempt.
func (o outcome) isPage(t *testing.T, status, seen int) {
	t.Helper()
	require.Equal(t, seen, o.seen, "requests for the %s", o.call.name)
	apitest.IsAPIError(t, o.err, status, 1)
	o.hasText(t, fmt.Sprintf("%d %s", status, http.StatusText(status)))
	page := apitest.ErrorAs[*apono.APIError](t, o.err)
	require.Contains(t, string(page.Body), "<html>", "the response is not a page of the proxy")
}

// isBroken fails the test unless the only attempt ended without a response, after the
// request may have reached the server. The text is a regular expression.
func (o outcome) isBroken(t *testing.T, text string, seen int) {
	t.Helper()
	require.Equal(t, seen, o.seen, "requests for the %s", o.call.name)
	broken := apitest.ErrorAs[*apono.TransportError](t, o.err)
	require.Equal(t, 1, broken.Attempts, o.call.name)
	require.True(t, broken.MaybeSent, o.call.name)
	require.Nil(t, broken.Last, o.call.name)
	o.hasText(t, text)
}

// gone matches the error texts of a connection that the proxy closed.
const gone = "EOF|broken pipe|connection reset by peer|use of closed network connection|server closed idle connection|client conn not usable|GOAWAY"

// hasText fails the test unless the error text names the call, matches text, and has
// no HTML tags.
func (o outcome) hasText(t *testing.T, text string) {
	t.Helper()
	require.Regexp(t, "^apono: "+o.call.method+" "+regexp.QuoteMeta(o.call.path)+": .*("+text+")", o.err.Error())
	require.NotContains(t, o.err.Error(), "<", "the text has HTML tags")
	require.NotContains(t, o.err.Error(), "GetBody", "the text has advice for authors of transports")
}

// header is the header with the id of a call.
const header = "X-Call"

// upstream is the server that a proxy forwards to. It counts requests and passes them
// to the fake.
type upstream struct {
	*httptest.Server

	mu       sync.Mutex
	arrivals map[string]int
	faults   []http.HandlerFunc
}

func newUpstream(t *testing.T, fake http.Handler) *upstream {
	t.Helper()
	u := &upstream{arrivals: map[string]int{}}
	u.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		id := req.Header.Get(header)
		sent := &statusWriter{ResponseWriter: w}
		u.arrived(id, fake.ServeHTTP)(sent, req)
		if sent.status == http.StatusTooManyRequests {
			u.rejected(id)
		}
	}))
	u.Config.ErrorLog = log.New(io.Discard, "", 0)
	u.Start()
	t.Cleanup(u.Close)
	return u
}

// arrived counts a request of a call and returns its handler.
func (u *upstream) arrived(id string, serve http.HandlerFunc) http.HandlerFunc {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.arrivals[id]++
	if len(u.faults) > 0 {
		serve, u.faults = u.faults[0], u.faults[1:]
	}
	return serve
}

// rejected uncounts a request after a response with which it was not processed, so that
// every request may be sent again.
func (u *upstream) rejected(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.arrivals[id]--; u.arrivals[id] == 0 {
		delete(u.arrivals, id)
	}
}

// statusWriter records the status of a response.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// next handles the next requests with faults instead of the fake.
func (u *upstream) next(faults ...http.HandlerFunc) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.faults = append(u.faults, faults...)
}

func (u *upstream) seen(id string) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.arrivals[id]
}

// all returns the number of requests of each call.
func (u *upstream) all() map[string]int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return maps.Clone(u.arrivals)
}

// resets reads the request and resets the connection.
func resets(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	abandon(w, true)
}

// closes reads the request and closes the connection.
func closes(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	abandon(w, false)
}

// resetsEarly resets the connection before the body is read.
func resetsEarly(w http.ResponseWriter, _ *http.Request) { abandon(w, true) }

func abandon(w http.ResponseWriter, withReset bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok && withReset {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
