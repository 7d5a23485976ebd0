package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"runtime/pprof"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/hostile"
	"github.com/stretchr/testify/require"
)

// leavesNothing runs a function and fails the test if a goroutine that it started
// still runs code of this module afterwards. A label identifies these goroutines, so
// that tests can run in parallel.
func leavesNothing(t *testing.T, run func(ctx context.Context)) {
	t.Helper()
	left := leftBy(t, run)
	for range 100 { // the function of a timer that has just fired may not have run
		if len(left) == 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
		left = leftBy(t, func(context.Context) {})
	}
	require.Emptyf(t, left, "goroutine leak:\n%s", strings.Join(left, "\n\n"))
}

func leftBy(t *testing.T, run func(ctx context.Context)) []string {
	t.Helper()
	var left []string
	pprof.Do(t.Context(), pprof.Labels("leak", t.Name()), func(ctx context.Context) {
		run(ctx)
		var all bytes.Buffer
		require.NoError(t, pprof.Lookup("goroutine").WriteTo(&all, 1))
		own := 0
		for stack := range strings.SplitSeq(all.String(), "\n\n") {
			switch {
			case !strings.Contains(stack, fmt.Sprintf("%q:%q", "leak", t.Name())):
			case strings.Contains(stack, "e2e_test.leftBy"):
				own++
			case strings.Contains(stack, "net/http.(*Transport).dialConnFor"):
				// net/http completes the dial of a call that has ended.
			case strings.Contains(stack, "github.com/apono-go/apono"):
				left = append(left, stack)
			}
		}
		require.Equal(t, 1, own, "the profile has no labels")
	})
	return left
}

// The helper must detect a leak.
func TestLeaksAreDetected(t *testing.T) {
	t.Parallel()
	stop, stopped := make(chan struct{}), make(chan struct{})
	left := leftBy(t, func(context.Context) {
		running := make(chan struct{})
		go func() {
			close(running)
			<-stop
			close(stopped)
		}()
		<-running
	})
	close(stop)
	<-stopped
	require.Len(t, left, 1)
	require.Contains(t, left[0], "TestLeaksAreDetected")
}

// everyList returns one list of each kind of pagination.
func everyList(ctx context.Context, c *apono.Client) map[string]iter.Seq2[string, error] {
	return map[string]iter.Seq2[string, error]{
		"tokens": keyed(c.Integrations.ListAll(ctx), apitest.IntegrationID),
		"offset": keyed(c.Integrations.ListAllPermissions(ctx, "i-1"), apitest.PermissionID),
	}
}

func keyed[T any](seq iter.Seq2[*T, error], id func(*T) string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for item, err := range seq {
			name := ""
			if err == nil {
				name = id(item)
			}
			if !yield(name, err) {
				return
			}
		}
	}
}

// pagesAfter returns a good first page followed by other modes.
func pagesAfter(list string, then ...hostile.Mode) []hostile.Mode {
	first := hostile.Page("t1", "a", "b")
	if list == "offset" {
		first = hostile.OffsetPage(6, 2, 0, "a", "b")
	}
	return append([]hostile.Mode{first}, then...)
}

// A list that ends early leaves no goroutine and no connection behind.
func TestListsLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	for _, list := range []string{"tokens", "offset"} {
		for _, ahead := range []int{0, 1} {
			for next, mode := range map[string]hostile.Mode{
				"good": hostile.NewTokens(), "dripping": hostile.DripBody(), "silent": hostile.DripHeader(), "rejected": hostile.Status(403, ""),
				"broken": hostile.ResetRead(), "cut": hostile.CutChunked("{"), "endless": hostile.Endless(),
			} {
				for way, leave := range map[string]func(seq iter.Seq2[string, error], cancel context.CancelFunc){
					"break": func(seq iter.Seq2[string, error], _ context.CancelFunc) { rangeUntil(seq, func() bool { return true }) },
					"panic": func(seq iter.Seq2[string, error], _ context.CancelFunc) {
						rangeUntil(seq, func() bool { panic("caller") })
					},
					"cancel": func(seq iter.Seq2[string, error], cancel context.CancelFunc) {
						rangeUntil(seq, func() bool { cancel(); return false })
					},
				} {
					t.Run(fmt.Sprintf("%s of %s, %d ahead, next %s", way, list, ahead, next), func(t *testing.T) {
						t.Parallel()
						server := hostile.New(t, pagesAfter(list, mode)...)
						client, bodies := hostileClient(t, server, nil, apitest.ReadAhead(ahead))
						leavesNothing(t, func(ctx context.Context) {
							ctx, cancel := context.WithCancel(ctx)
							defer cancel()
							leave(everyList(ctx, client)[list], cancel)
						})
						require.Zero(t, bodies.open.Load())
						server.WaitClosed(client.CloseIdleConnections)
					})
				}
			}
		}
	}
}

// rangeUntil ranges over a list until done returns true or panics.
func rangeUntil(seq iter.Seq2[string, error], done func() bool) {
	defer func() { _ = recover() }()
	for _, err := range seq {
		if err != nil || done() {
			return
		}
	}
}

// A call leaves no goroutine and no connection behind, whatever the server does.
func TestCallsLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.test(t, func(t *testing.T, newServer func(testing.TB, ...hostile.Mode) *hostile.Server) {
				server := newServer(t, s.modes...)
				client, bodies := hostileClient(t, server, nil, append(s.opts, apono.WithReadAhead())...)
				leavesNothing(t, func(ctx context.Context) { _ = apitest.GetIntegration(ctx, client) })
				require.Zero(t, bodies.open.Load())
				server.WaitClosed(client.CloseIdleConnections)
			})
		})
	}
}

func TestCanceledCallsCloseTheirConnections(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]hostile.Mode{"header": hostile.DripHeader(), "body": hostile.DripBody()} {
		for _, v := range verbs {
			t.Run(name+" of "+v.name, func(t *testing.T) {
				t.Parallel()
				server := hostile.New(t, mode)
				client, bodies := hostileClient(t, server, nil)
				leavesNothing(t, func(ctx context.Context) {
					ctx, cancel := context.WithTimeout(ctx, 30*time.Millisecond)
					defer cancel()
					err := v.call(ctx, client)
					require.ErrorIs(t, err, context.DeadlineExceeded)
					require.Error(t, ctx.Err(), "the call ended before its context")
				})
				require.Zero(t, bodies.open.Load())
				server.WaitClosed(client.CloseIdleConnections)
			})
		}
	}
}

// WaitFor leaves no timer and no goroutine behind. Either would keep the bubble from
// ending.
func TestWaitersLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"deadline": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Minute)
		},
		"cancel": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			stop := time.AfterFunc(time.Minute, cancel)
			return ctx, func() { stop.Stop(); cancel() }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := end(t.Context())
				defer cancel()
				pending := &apitest.Pager{Serve: func(string) string { return `{"id":"ar-1","status":"PENDING"}` }}
				_, err := pending.Client(t, 4).AccessRequests.WaitFor(ctx, "ar-1", apono.UntilGranted)
				require.ErrorAs(t, err, new(*apono.WaitError))
				require.Zero(t, pending.UnderWay())
			})
		})
	}
}
