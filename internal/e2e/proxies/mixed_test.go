//go:build proxies

package proxies_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/stretchr/testify/require"
)

// mix makes calls of all kinds in many goroutines and counts what went wrong.
type mix struct {
	*rig
	goroutines int
	timeout    time.Duration // of an attempt, from which a call counts as slow
	pause      time.Duration // after each call

	mu    sync.Mutex
	total counts
}

type counts struct {
	calls, failed, slow int
	lost                int // calls with MaybeSent whose request was not received
	denied              int // calls without MaybeSent whose request was received
	doubled             int // calls whose request was received twice
	short               int // lists that ended without an error before their end
}

func (c counts) String() string {
	return fmt.Sprintf("%d calls: %d failed, %d slow, %d lost, %d denied, %d doubled, %d short lists",
		c.calls, c.failed, c.slow, c.lost, c.denied, c.doubled, c.short)
}

// connectors is the number of connectors, which are listed in pages.
const connectors = 50

func newMix(r *rig, goroutines int) *mix {
	for n := range connectors {
		r.fake.Put(aponotest.Connectors, json.RawMessage(fmt.Sprintf(`{"id": "c%d", "name": "c%d", "status": "CONNECTED",
			"version": "1.7.4", "is_latest_version": true, "cloud_provider_type": "AWS", "sessions": []}`, n, n)))
	}
	return &mix{rig: r, goroutines: goroutines, timeout: 30 * time.Second}
}

// makesAtLeast makes that many calls in all goroutines. Meanwhile disturb, if not nil, is
// called several times a second on the goroutine of the test.
func (m *mix) makesAtLeast(t *testing.T, calls int, disturb func()) {
	t.Helper()
	m.runs(t, func() bool { return m.soFar().calls < calls }, disturb)
}

// runs makes calls in all goroutines while more returns true.
func (m *mix) runs(t *testing.T, more func() bool, disturb func()) {
	t.Helper()
	var group sync.WaitGroup
	for range m.goroutines {
		group.Go(func() {
			for more() {
				m.round(t)
			}
		})
	}
	defer group.Wait()
	for disturb != nil && more() {
		time.Sleep(200 * time.Millisecond)
		disturb()
	}
}

func (m *mix) soFar() counts {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.total
}

// round makes a call of each kind. Half of them must not be carried out twice.
func (m *mix) round(t *testing.T) {
	t.Helper()
	var scope *apono.AccessScope
	m.makes(t, call{name: "create", method: "POST", do: func(ctx context.Context, client *apono.Client) (err error) {
		scope, err = client.Scopes.Create(ctx, apono.AccessScopeInput{Name: fmt.Sprintf("scope %v", ctx.Value(callKey{})), Query: `resource_type = "table"`})
		return err
	}})
	m.makes(t, details)
	m.makes(t, create)
	m.makes(t, resetCredentials)
	m.makes(t, call{name: "list", method: "GET", repeats: true, do: func(ctx context.Context, client *apono.Client) error {
		all, err := apono.Collect(client.Connectors.ListAll(ctx, apono.ListConnectorsOptions{Limit: 20}))
		if err == nil && len(all) != connectors {
			m.mu.Lock()
			m.total.short++
			m.mu.Unlock()
		}
		return err
	}})
	if scope == nil {
		return
	}
	m.makes(t, call{name: "GET", method: "GET", repeats: true, do: func(ctx context.Context, client *apono.Client) error {
		_, err := client.Scopes.Get(ctx, scope.ID)
		return err
	}})
	m.makes(t, call{name: "PUT", method: "PUT", repeats: true, do: func(ctx context.Context, client *apono.Client) error {
		in := scope.UpdateInput()
		in.Description = new("changed")
		_, err := client.Scopes.Update(ctx, scope.ID, in)
		return err
	}})
	m.makes(t, call{name: "DELETE", method: "DELETE", repeats: true, do: func(ctx context.Context, client *apono.Client) error {
		return client.Scopes.Delete(ctx, scope.ID)
	}})
}

// makes makes a call and counts its outcome.
func (m *mix) makes(t *testing.T, c call) {
	t.Helper()
	start := time.Now()
	o := m.run(t, t.Context(), c)
	took := time.Since(start)
	if took >= m.timeout {
		t.Logf("the %s took %s: %v", c.name, took, o.err)
	}
	changes := !c.repeats || c.method != http.MethodGet
	m.mu.Lock()
	m.total.calls++
	if took >= m.timeout {
		m.total.slow++
	}
	if o.err != nil {
		m.total.failed++
	}
	if broken, ok := errors.AsType[*apono.TransportError](o.err); ok && changes {
		switch {
		case broken.MaybeSent && o.seen == 0:
			m.total.lost++
		case !broken.MaybeSent && o.seen > 0:
			m.total.denied++
		}
	}
	if !c.repeats && o.seen > 1 {
		m.total.doubled++
	}
	m.mu.Unlock()
	time.Sleep(m.pause)
}

// isRight fails the test if a request was doubled or denied, or a list is short.
func (m *mix) isRight(t *testing.T) {
	t.Helper()
	t.Log(m.total)
	require.Zero(t, m.total.doubled, "doubled")
	require.Zero(t, m.total.denied, "denied")
	require.Zero(t, m.total.short, "short lists")
}

func (m *mix) losesAtMost(t *testing.T, calls int) {
	t.Helper()
	m.isRight(t)
	require.LessOrEqual(t, m.total.lost, calls, "lost")
}

// With GOAWAY, nginx ends a connection after keepalive_requests. It has not processed the
// last requests on it.
func TestMixedCallsWhileConnectionsEnd(t *testing.T) {
	t.Parallel()
	for _, requests := range []int{20, 1000} {
		t.Run(fmt.Sprintf("after %d requests", requests), func(t *testing.T) {
			t.Parallel()
			s := site{nginx: fmt.Sprintf("keepalive_requests %d;", requests)}
			// net/http retries a GET after up to 31 s, as connections end all the time.
			m := newMix(newRig(t, overHTTP2, s, []apono.Option{apono.WithAttemptTimeout(10 * time.Second)}), 64)
			m.makesAtLeast(t, 1600, nil)
			m.losesAtMost(t, 8)
		})
	}
}

func TestMixedCallsDuringReloads(t *testing.T) {
	t.Parallel()
	m := newMix(newRig(t, overHTTP2, site{}, nil), 64)
	var reloads atomic.Int32
	m.runs(t, func() bool { return reloads.Load() < 10 || m.soFar().calls < 1600 }, func() {
		require.NoError(t, m.command.Process.Signal(m.reload))
		reloads.Add(1)
	})
	t.Logf("%d reloads", reloads.Load())
	m.losesAtMost(t, 8)
}

// If the server closes the connection after it has read the request, HAProxy sends
// REFUSED_STREAM, as if it had not.
func TestMixedCallsWithRejectedStreams(t *testing.T) {
	t.Parallel()
	m := newMix(newRig(t, way{kind: haproxy, protocol: 2}, site{}, nil), 16)
	for range 100 {
		m.upstream.next(m.fake.ServeHTTP, m.fake.ServeHTTP, m.fake.ServeHTTP, m.fake.ServeHTTP, closes)
	}
	m.makesAtLeast(t, 600, nil)
	m.losesAtMost(t, 0)
	require.Greater(t, m.total.failed, 20, "streams were not rejected")
}

func TestMixedCallsWithFewConnections(t *testing.T) {
	t.Parallel()
	for _, protocol := range []int{1, 2} {
		for _, conns := range []int{1, 2, 8} {
			t.Run(fmt.Sprintf("%d over HTTP %d", conns, protocol), func(t *testing.T) {
				t.Parallel()
				m := newMix(newRig(t, way{nginx, protocol, conns}, site{}, nil), 16)
				m.makesAtLeast(t, 600, nil)
				m.losesAtMost(t, 0)
				require.Zero(t, m.total.failed)
			})
		}
	}
}

// A router drops the connections of a client without notice.
func TestMixedCallsWithSilentConnections(t *testing.T) {
	t.Parallel()
	const timeout = 2 * time.Second
	m := newMix(newRig(t, overHTTP2, site{}, []apono.Option{apono.WithAttemptTimeout(timeout)}), 16)
	m.timeout, m.pause = timeout, 10*time.Millisecond
	m.relay = newRelay(t, m.address)
	most := 3 * m.goroutines // such as a details call, then one over the shared connection
	silence := sync.OnceFunc(m.relay.silence)
	m.runs(t, func() bool {
		soFar := m.soFar()
		if soFar.calls >= 100 {
			silence()
		}
		return soFar.calls < 400 && soFar.slow <= most
	}, nil)
	m.isRight(t)
	require.NotZero(t, m.total.slow, "no connection was silent")
	require.LessOrEqual(t, m.total.slow, most)
}
