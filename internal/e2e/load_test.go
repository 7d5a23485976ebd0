package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime/metrics"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/hostile"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// faulty makes every twentieth request fail, before or after the server has carried
// it out, in five ways in turn.
type faulty struct {
	next     http.RoundTripper
	requests atomic.Int64
	faults   [5]atomic.Int64
}

func (f *faulty) RoundTrip(req *http.Request) (*http.Response, error) {
	n := f.requests.Add(1)
	if n%20 != 0 {
		return f.next.RoundTrip(req)
	}
	kind := n / 20 % 5
	f.faults[kind].Add(1)
	if kind < 2 { // the server carries out the request, but the response is lost
		resp, err := f.next.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	} else if req.Body != nil {
		_ = req.Body.Close()
	}
	switch kind {
	case 0, 2:
		return failed(req, http.StatusServiceUnavailable), nil
	case 3:
		return failed(req, http.StatusTooManyRequests), nil
	case 4:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	}
	return nil, apitest.ErrReset
}

func failed(req *http.Request, status int) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: req}
}

// loadClient returns a client with faults. It has enough attempts that every read
// succeeds.
func loadClient(tb testing.TB, address string) (*apono.Client, *faulty) {
	tb.Helper()
	faults := new(faulty)
	transport := &http.Transport{MaxIdleConnsPerHost: 200, DialContext: hostile.Dial}
	tb.Cleanup(transport.CloseIdleConnections)
	client, err := apono.NewClient(aponotest.DefaultToken,
		apono.WithBaseURL(address), apono.WithHTTPClient(&http.Client{Transport: transport}),
		apono.WithRetryPolicy(apono.RetryPolicy{MaxAttempts: 12, MinWait: 1, MaxWait: 1}), apono.WithReadAhead(),
		apono.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			faults.next = next
			return faults
		}))
	require.NoError(tb, err)
	return client, faults
}

// reads are lists of every service, with the number of items in the demo tenant, or
// -1 if other goroutines add items.
var reads = []struct {
	name string
	want int
	read func(ctx context.Context, c *apono.Client) (int, error)
}{
	{"Integrations", 273, func(ctx context.Context, c *apono.Client) (int, error) {
		return count(c.Integrations.ListAll(ctx, apono.ListIntegrationsOptions{Limit: 50}))
	}},
	{"Integrations.Catalog", 10, func(ctx context.Context, c *apono.Client) (int, error) {
		return count(c.Integrations.ListAllCatalog(ctx))
	}},
	{"Users", 100, func(ctx context.Context, c *apono.Client) (int, error) {
		return count(c.Users.ListAll(ctx, apono.ListUsersOptions{Limit: 30}))
	}},
	{"Groups", -1, func(ctx context.Context, c *apono.Client) (int, error) { return count(c.Groups.ListAll(ctx)) }},
	{"Connectors", 3, func(ctx context.Context, c *apono.Client) (int, error) { return count(c.Connectors.ListAll(ctx)) }},
	{"Identities.Attributes", 100, func(ctx context.Context, c *apono.Client) (int, error) {
		return count(c.Identities.ListAllAttributes(ctx))
	}},
	{"AccessFlows", 15, func(ctx context.Context, c *apono.Client) (int, error) { return count(c.AccessFlows.ListAll(ctx)) }},
	{"Bundles", 11, func(ctx context.Context, c *apono.Client) (int, error) { return count(c.Bundles.ListAll(ctx)) }},
	{"Scopes", -1, func(ctx context.Context, c *apono.Client) (int, error) { return count(c.Scopes.ListAll(ctx)) }},
	{"Spaces", 2, func(ctx context.Context, c *apono.Client) (int, error) { return count(c.Spaces.ListAll(ctx)) }},
	{"SpaceScopes", 2, func(ctx context.Context, c *apono.Client) (int, error) { return count(c.SpaceScopes.ListAll(ctx)) }},
	{"Reports", 0, func(ctx context.Context, c *apono.Client) (int, error) { return count(c.Reports.ListAll(ctx)) }},
	{"Activity", 600, func(ctx context.Context, c *apono.Client) (int, error) { return count(c.Activity.ListAll(ctx)) }},
	{"Attributes", 20, func(ctx context.Context, c *apono.Client) (int, error) { return count(c.Attributes.ListAll(ctx)) }},
	{"AccessRequests", 0, func(ctx context.Context, c *apono.Client) (int, error) { return count(c.AccessRequests.ListAll(ctx)) }},
	{"DelegatedRequests", 1, func(ctx context.Context, c *apono.Client) (int, error) {
		return count(c.DelegatedRequests.ListAll(ctx))
	}},
	{"AvailableAccess", 11, func(ctx context.Context, c *apono.Client) (int, error) {
		return count(c.AvailableAccess.ListAllBundles(ctx))
	}},
	{"Sessions", 2, func(ctx context.Context, c *apono.Client) (int, error) { return count(c.Sessions.ListAll(ctx)) }},
	{"Legacy.Users", 100, func(ctx context.Context, c *apono.Client) (int, error) { return count(c.Legacy.Users.ListAll(ctx)) }},
	{"Legacy.Connectors", 3, func(ctx context.Context, c *apono.Client) (int, error) {
		all, err := c.Legacy.Connectors.List(ctx)
		return len(all), err
	}},
	{"Legacy.AccessFlows", 15, func(ctx context.Context, c *apono.Client) (int, error) {
		return count(c.Legacy.AccessFlows.ListAll(ctx))
	}},
	{"Legacy.AccessBundles", 11, func(ctx context.Context, c *apono.Client) (int, error) {
		return count(c.Legacy.AccessBundles.ListAll(ctx))
	}},
	{"Legacy.AccessRequests", 600, func(ctx context.Context, c *apono.Client) (int, error) {
		return count(c.Legacy.AccessRequests.ListAll(ctx))
	}},
	{"Legacy.Integrations", 273, func(ctx context.Context, c *apono.Client) (int, error) {
		return count(c.Legacy.Integrations.ListAll(ctx))
	}},
}

func count[T any](seq iter.Seq2[*T, error]) (int, error) {
	n := 0
	for _, err := range seq {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// ledger records the names of created and deleted objects, as reported by the client.
type ledger struct {
	mu sync.Mutex
	// tried has the names of objects that may or may not have been created.
	created, deleted, tried map[string]bool
}

func (l *ledger) note(in map[string]bool, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	in[name] = true
}

// unsure reports whether the object may have been created although the call failed.
func unsure(err error) bool {
	failure := new(apono.TransportError)
	return errors.Is(err, apono.ErrServer) || errors.As(err, &failure) && failure.MaybeSent
}

// live creates and changes a scope and a group for one worker, and deletes the scope of
// every other worker.
func (l *ledger) live(ctx context.Context, c *apono.Client, n int) error {
	scopeName, groupName := fmt.Sprintf("scope-%d", n), fmt.Sprintf("group-%d", n)
	scope, err := c.Scopes.Create(ctx, apono.AccessScopeInput{Name: scopeName, Query: "resource_type = \"table\""})
	if err != nil {
		l.note(l.tried, scopeName)
		if !unsure(err) {
			return err
		}
	} else {
		l.note(l.created, scopeName)
		in := scope.UpdateInput()
		in.Description = new("of worker " + scopeName)
		if _, err = c.Scopes.Update(ctx, scope.ID, in); err != nil {
			return err
		}
		read, err := c.Scopes.Get(ctx, scope.ID)
		if err != nil {
			return err
		}
		if read.Name != scopeName || read.Description == nil || *read.Description != "of worker "+scopeName {
			return fmt.Errorf("the scope of another worker: %+v", read)
		}
		if n%2 == 0 {
			if err := c.Scopes.Delete(ctx, scope.ID); err != nil {
				return err
			}
			l.note(l.deleted, scopeName)
		}
	}
	group, err := c.Groups.Create(ctx, apono.CreateGroupInput{Name: groupName})
	if err != nil {
		l.note(l.tried, groupName)
		if !unsure(err) {
			return err
		}
		return nil
	}
	l.note(l.created, groupName)
	if err := c.Groups.AddMember(ctx, group.ID, fmt.Sprintf("member-%d@example.com", n)); err != nil {
		return err
	}
	members, err := apono.Collect(c.Groups.ListAllMembers(ctx, group.ID))
	if err != nil {
		return err
	}
	if len(members) != 1 || members[0].Email != fmt.Sprintf("member-%d@example.com", n) {
		return fmt.Errorf("the members of the group of another worker: %+v", members)
	}
	return nil
}

// Many goroutines share one client while one in twenty requests fails. No response
// may reach another goroutine, and no create may be carried out twice.
func TestLoad(t *testing.T) {
	t.Parallel()
	const workers = 200
	server := aponotest.NewServer(t, aponotest.WithDemoTenant(), aponotest.WithOffsetPageSize(150))
	client, faults := loadClient(t, server.URL)
	book := &ledger{created: map[string]bool{}, deleted: map[string]bool{}, tried: map[string]bool{}}
	start := make(chan struct{})
	var group sync.WaitGroup
	for n := range workers {
		group.Go(func() {
			<-start // so that the first calls are concurrent
			assert.NoErrorf(t, book.live(t.Context(), client, n), "worker %d", n)
			if n%2 == 0 {
				return // half of them read a list too; the fake handles one request at a time
			}
			list := reads[n/2%len(reads)]
			if got, err := list.read(t.Context(), client); err != nil || list.want >= 0 && got != list.want {
				t.Errorf("worker %d: %d items of %s, want %d; error: %v", n, got, list.name, list.want, err)
			}
		})
	}
	close(start)
	group.Wait()
	for kind := range faults.faults {
		require.Greaterf(t, faults.faults[kind].Load(), int64(5), "faults of kind %d", kind)
	}

	carriedOut := map[string]int{}
	for _, req := range server.Requests("Scopes.Create", "Groups.Create") {
		if req.Status == http.StatusOK {
			carriedOut[between(req.Body, `"name":"`, `"`)]++
		}
	}
	held := map[string]int{}
	reliable := server.Client()
	for scope, err := range reliable.Scopes.ListAll(t.Context()) {
		require.NoError(t, err)
		held[scope.Name]++
	}
	for group, err := range reliable.Groups.ListAll(t.Context()) {
		require.NoError(t, err)
		held[group.Name]++
	}
	require.Equal(t, 2*workers, len(book.created)+len(book.tried))
	require.NotEmpty(t, book.tried, "no create failed")
	for name := range book.created {
		require.Equalf(t, 1, carriedOut[name], "%s must be created once", name)
		require.Equalf(t, map[bool]int{false: 1}[book.deleted[name]], held[name], "wrong number of %s; deleted: %t", name, book.deleted[name])
	}
	for name := range book.tried {
		require.LessOrEqualf(t, carriedOut[name], 1, "%s was created more than once", name)
		require.Equalf(t, carriedOut[name], held[name], "wrong number of %s", name)
	}
}

func between(text, before, after string) string {
	_, text, _ = strings.Cut(text, before)
	text, _, _ = strings.Cut(text, after)
	return text
}

// BenchmarkLoad runs the load of TestLoad. It reports calls, not requests: most lists
// take several requests. The heap includes that of the fake server.
func BenchmarkLoad(b *testing.B) {
	var current atomic.Pointer[aponotest.Server]
	renew := func() {
		fresh, err := aponotest.Start(aponotest.WithDemoTenant(), aponotest.WithOffsetPageSize(150))
		if err != nil {
			b.Error(err)
			return
		}
		if old := current.Swap(fresh); old != nil {
			old.Close()
		}
	}
	renew()
	b.Cleanup(func() { current.Load().Close() })
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { current.Load().ServeHTTP(w, r) }))
	b.Cleanup(front.Close)
	client, _ := loadClient(b, front.URL)
	ctx := b.Context()
	var calls, failures, unsureCreates atomic.Int64
	var peak atomic.Uint64
	b.SetParallelism(100) // 200 goroutines on two processors, as in TestLoad
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			n := calls.Add(1)
			// The fake keeps all requests, so it is replaced now and then. A list may
			// read pages of both.
			if n%20000 == 0 {
				renew()
			}
			if n%50 == 0 {
				raise(&peak, heapInUse())
			}
			var err error
			if n%10 == 0 {
				_, err = client.Scopes.Create(ctx, apono.AccessScopeInput{Name: fmt.Sprint("scope-", n), Query: "x"})
				if err != nil && unsure(err) {
					unsureCreates.Add(1)
					err = nil
				}
			} else {
				_, err = reads[n%int64(len(reads))].read(ctx, client)
			}
			if err != nil {
				failures.Add(1)
				b.Log(err)
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(calls.Load())/b.Elapsed().Seconds(), "calls/s")
	b.ReportMetric(float64(failures.Load()), "failures")
	b.ReportMetric(float64(unsureCreates.Load()), "uncertain-creates")
	b.ReportMetric(float64(peak.Load())/(1<<20), "peak-MiB")
}

func heapInUse() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func raise(peak *atomic.Uint64, value uint64) {
	for old := peak.Load(); value > old; old = peak.Load() {
		if peak.CompareAndSwap(old, value) {
			return
		}
	}
}
