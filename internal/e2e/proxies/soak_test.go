//go:build proxies

package proxies_test

import (
	"context"
	"flag"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/stretchr/testify/require"
)

var soak = flag.Duration("soak", 0, "run TestSoak for this duration")

// TestSoak makes about 100 calls a second while the fake, the proxy and the network
// fail. See CONTRIBUTING.md.
func TestSoak(t *testing.T) { //nolint:paralleltest // it counts goroutines
	if *soak == 0 {
		t.Skip("-soak is not set")
	}
	const timeout = 2 * time.Second
	r := newRig(t, overHTTP2, site{nginx: "keepalive_requests 200;"}, []apono.Option{
		apono.WithAttemptTimeout(timeout), apono.WithReadAhead(),
		apono.WithRetryPolicy(apono.RetryPolicy{MinWait: 50 * time.Millisecond, MaxWait: time.Second}),
	})
	r.relay = newRelay(t, r.address)
	m := newMix(r, 32)
	m.timeout, m.pause = timeout, 300*time.Millisecond
	m.round(t) // whatever starts once is running
	before := m.held()

	faults := map[string]aponotest.Fault{
		"request lost": {Break: aponotest.RequestLost}, "response lost": {Break: aponotest.ResponseLost},
		"response cut": {Break: aponotest.ResponseCut},
		"503":          {Status: http.StatusServiceUnavailable}, "429": {Status: http.StatusTooManyRequests},
		"429 with Retry-After": {Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"1"}}},
		"slow":                 {Latency: timeout / 2}, "too slow": {Latency: 2 * timeout},
	}
	names := slices.Collect(maps.Keys(faults))
	met := map[string]int{}
	start := time.Now()
	m.runs(t, func() bool { return time.Since(start) < *soak }, func() {
		switch n := rand.N(100); {
		case n < 2:
			met["silence"]++
			m.relay.silence()
		case n < 5:
			met["reset"]++
			m.relay.reset()
		case n < 8:
			met["reload"]++
			require.NoError(t, m.command.Process.Signal(m.reload))
		case n < 20:
			met["server closes"]++
			m.upstream.next(closes)
		case n < 30:
			met["server resets"]++
			m.upstream.next(resets)
		default:
			name := names[rand.N(len(names))]
			met[name]++
			m.fake.FaultNext("", 1, faults[name])
		}
	})
	m.pause = 0
	m.makesAtLeast(t, m.total.calls+500, nil) // until no fault is left
	t.Logf("faults: %v", met)
	m.isRight(t)
	require.NotZero(t, m.total.failed, "nothing failed")

	created := map[string]bool{}
	m.makes(t, call{name: "scopes", method: http.MethodGet, repeats: true, do: func(ctx context.Context, client *apono.Client) error {
		for scope, err := range client.Scopes.ListAll(ctx) {
			if err != nil {
				return err
			}
			require.NotContains(t, created, scope.Name, "created twice")
			created[scope.Name] = true
		}
		return nil
	}})
	require.NotEmpty(t, created, "nothing is left whose creation was unclear")

	after := m.held()
	for range 10 {
		if after.goroutines <= before.goroutines && after.sockets <= before.sockets {
			break
		}
		after = m.held()
	}
	t.Logf("before: %+v, after: %+v", before, after)
	require.LessOrEqual(t, after.goroutines, before.goroutines)
	require.LessOrEqual(t, after.sockets, before.sockets)
}

// held is what this process holds.
type held struct{ goroutines, sockets int }

func (m *mix) held() held {
	m.client.CloseIdleConnections()
	time.Sleep(time.Second) // connections take a moment to end
	sockets := 0
	files, _ := filepath.Glob("/proc/self/fd/*")
	for _, file := range files {
		if target, err := os.Readlink(file); err == nil && strings.HasPrefix(target, "socket:") {
			sockets++
		}
	}
	return held{runtime.NumGoroutine(), sockets}
}
