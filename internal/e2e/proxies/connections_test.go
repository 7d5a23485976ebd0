//go:build proxies

package proxies_test

import (
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// idle is the timeout of idle connections in shortIdle.
const idle = 100 * time.Millisecond

var shortIdle = site{nginx: "keepalive_timeout 100ms;", frontend: "timeout http-keep-alive 100ms\n\ttimeout client 100ms"}

// A proxy may close an idle connection while a request is sent on it.
func TestIdleConnections(t *testing.T) {
	t.Parallel()
	each(t, everywhere, shortIdle, func(t *testing.T, r *rig) {
		for i := range 9 {
			for _, c := range posts {
				r.try(t, create).succeededOrBroken(t)
				time.Sleep(idle + time.Duration(i-4)*time.Millisecond)
				r.try(t, c).succeededOrBroken(t)
				time.Sleep(2 * idle)
				r.try(t, c).succeeded(t)
			}
		}
	})
}

// succeededOrBroken fails the test unless the call succeeded or its connection was
// closed.
func (o outcome) succeededOrBroken(t *testing.T) {
	t.Helper()
	if o.err == nil {
		o.succeeded(t)
	} else {
		o.isBroken(t, gone, o.seen)
	}
}

// On reload a proxy sends GOAWAY on the connections of its old workers, or closes them.
func TestReload(t *testing.T) {
	t.Parallel()
	each(t, everywhere, shortTimeout, func(t *testing.T, r *rig) { r.reloadsDuring(t, slices.Concat(posts, posts)) })
}

// shortTimeout limits the time for which old workers of HAProxy wait for clients to
// close connections that were idle when GOAWAY was sent.
var shortTimeout = site{frontend: "timeout client 1s"}

// reloadsDuring makes calls in parallel while the proxy is reloaded.
func (r *rig) reloadsDuring(t *testing.T, calls []call) {
	t.Helper()
	for range 3 {
		var before []net.Conn
		for len(before) == 0 {
			r.try(t, create).succeededOrBroken(t)
			before, _ = r.connections()
		}
		over := make(chan struct{})
		var group sync.WaitGroup
		for _, c := range calls {
			group.Go(func() {
				for {
					select {
					case <-over:
						return
					case <-time.After(time.Millisecond):
						if o := r.run(t, t.Context(), c); o.err == nil {
							assert.Equal(t, 1, o.seen)
						} else {
							assert.Regexp(t, gone, o.err.Error())
						}
					}
				}
			})
		}
		r.reloads(t, func() bool {
			open, _ := r.connections()
			return !slices.ContainsFunc(open, func(conn net.Conn) bool { return slices.Contains(before, conn) })
		})
		close(over)
		group.Wait()
	}
}

// Old workers finish the requests that they have received.
func TestReloadDuringCalls(t *testing.T) {
	t.Parallel()
	each(t, everywhere, site{}, func(t *testing.T, r *rig) {
		var arrived sync.WaitGroup
		arrived.Add(len(calls))
		over := make(chan struct{})
		for range calls {
			r.upstream.next(func(w http.ResponseWriter, req *http.Request) {
				arrived.Done()
				<-over
				r.fake.ServeHTTP(w, req)
			})
		}
		outcomes := make([]outcome, len(calls))
		var group sync.WaitGroup
		for i, c := range calls {
			group.Go(func() { outcomes[i] = r.run(t, t.Context(), c) })
		}
		arrived.Wait()
		r.reloads(t, r.ending)
		close(over)
		group.Wait()
		for _, o := range outcomes {
			o.succeeded(t)
		}
	})
}
