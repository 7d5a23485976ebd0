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

// faulty spoils every twentieth request, before or after the server has carried
// it out, in five ways by turns.
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
	if kind < 2 { // the server carries the request out, and nobody hears of it
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
		return spoiled(req, http.StatusServiceUnavailable), nil
	case 3:
		return spoiled(req, http.StatusTooManyRequests), nil
	case 4:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	}
	return nil, apitest.ErrReset
}

func spoiled(req *http.Request, status int) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: req}
}

// loadClient returns a client of an address whose requests are spoiled now and
// then. It tries often enough that no read is spoiled every time.
func loadClient(tb testing.TB, address string) (*apono.Client, *faulty) {
	tb.Helper()
	faults := new(faulty)
	transport := &http.Transport{MaxIdleConnsPerHost: 200, DialContext: hostile.Dial}
	tb.Cleanup(transport.CloseIdleConnections)
	client, err := apono.NewClient(aponotest.DefaultToken,
		apono.WithBaseURL(address), apono.WithHTTPClient(&http.Client{Transport: transport}),
		apono.WithRetryPolicy(apono.RetryPolicy{MaxAttempts: 12, MinWait: 1, MaxWait: 1}), apono.WithReadAhead(2),
		apono.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			faults.next = next
			return faults
		}))
	require.NoError(tb, err)
	return client, faults
}

// reads are lists of every service, with how many items the demo tenant has of
// each, -1 where other goroutines add some.
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

// ledger is what was asked of the server, by name, and what the client said of
// it.
type ledger struct {
	mu sync.Mutex
	// created and deleted are what the client said was carried out, tried what
	// it could not say.
	created, deleted, tried map[string]bool
}

func (l *ledger) note(in map[string]bool, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	in[name] = true
}

// unsure reports whether a create may end so: the fault is one after which
// nobody can say whether the object was made.
func unsure(err error) bool {
	failure := new(apono.TransportError)
	return errors.Is(err, apono.ErrServer) || errors.As(err, &failure) && failure.MaybeSent
}

// live is the life of a scope and a group of one's own.
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
		in.Description = apono.Ptr("of worker " + scopeName)
		if _, err = c.Scopes.Update(ctx, scope.ID, in); err != nil {
			return err
		}
		read, err := c.Scopes.Get(ctx, scope.ID)
		if err != nil {
			return err
		}
		if read.Name != scopeName || read.Description == nil || *read.Description != "of worker "+scopeName {
			return fmt.Errorf("the scope of another: %+v", read)
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
		return fmt.Errorf("the members of another group: %+v", members)
	}
	return nil
}

// One client serves a whole platform team. Answers that are mixed up between
// goroutines, and creates that are sent twice because one in twenty requests
// goes wrong, are what nobody finds in a test with one goroutine.
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
			<-start // the first calls all at once
			assert.NoErrorf(t, book.live(t.Context(), client, n), "worker %d", n)
			if n%2 == 0 {
				return // half of them read a list too; the fake answers one request at a time
			}
			list := reads[n/2%len(reads)]
			if got, err := list.read(t.Context(), client); err != nil || list.want >= 0 && got != list.want {
				t.Errorf("worker %d: %d of %s, %v", n, got, list.name, err)
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
	calm := server.Client()
	for scope, err := range calm.Scopes.ListAll(t.Context()) {
		require.NoError(t, err)
		held[scope.Name]++
	}
	for group, err := range calm.Groups.ListAll(t.Context()) {
		require.NoError(t, err)
		held[group.Name]++
	}
	require.Equal(t, 2*workers, len(book.created)+len(book.tried))
	require.NotEmpty(t, book.tried, "a create that was spoiled, or the test shows nothing")
	for name := range book.created {
		require.Equalf(t, 1, carriedOut[name], "expected %s to be made once", name)
		require.Equalf(t, map[bool]int{false: 1}[book.deleted[name]], held[name], "expected %s to be held unless it was deleted (%t)", name, book.deleted[name])
	}
	for name := range book.tried {
		require.LessOrEqualf(t, carriedOut[name], 1, "%s at most once, got it made %d times and held %d times", name, carriedOut[name], held[name])
		require.Equalf(t, carriedOut[name], held[name], "%s at most once", name)
	}
}

func between(text, before, after string) string {
	_, text, _ = strings.Cut(text, before)
	text, _, _ = strings.Cut(text, after)
	return text
}

// BenchmarkLoad holds the load of TestLoad for as long as the benchmark runs. It
// reports calls, not requests: most calls of a list are several requests. The
// heap is that of the fake server too.
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
	b.SetParallelism(100) // on two processors these are the 200 goroutines of TestLoad
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			n := calls.Add(1)
			// The fake keeps all requests, so that it is renewed now and then. A list
			// that is read meanwhile may see both.
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
	b.ReportMetric(float64(unsureCreates.Load()), "spoiled-creates")
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
