package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/stretchr/testify/require"
)

// secondTime calls f from its second call on.
func secondTime(f func()) func() {
	var once sync.Once
	return func() {
		first := false
		once.Do(func() { first = true })
		if !first {
			f()
		}
	}
}

// loggerFunc is a function that implements slog.Handler.
type loggerFunc func()

func (f loggerFunc) Enabled(context.Context, slog.Level) bool  { return true }
func (f loggerFunc) Handle(context.Context, slog.Record) error { f(); return nil }
func (f loggerFunc) WithAttrs([]slog.Attr) slog.Handler        { return f }
func (f loggerFunc) WithGroup(string) slog.Handler             { return f }

type limiterFunc func()

func (f limiterFunc) Wait(context.Context) error { f(); return nil }

// userCode has options whose functions call f.
var userCode = map[string]func(f func()) apono.Option{
	"middleware": func(f func()) apono.Option {
		return apono.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return apitest.RoundTripFunc(func(req *http.Request) (*http.Response, error) {
				f()
				return next.RoundTrip(req)
			})
		})
	},
	"limiter": func(f func()) apono.Option { return apono.WithLimiter(limiterFunc(f)) },
	"token source": func(f func()) apono.Option {
		return apono.WithTokenSource(func(context.Context) (string, error) { f(); return apitest.Token, nil })
	},
	"logger": func(f func()) apono.Option { return apono.WithLogger(slog.New(loggerFunc(f))) },
}

// twoPages are lists of each kind of pagination, with two items on two pages. The
// function body is called for each item and returns whether to continue.
var twoPages = map[string]struct {
	pages map[string]string
	list  func(ctx context.Context, client *apono.Client, body func() bool)
}{
	"tokens": {
		map[string]string{"": apitest.TokenPage("t2", "a"), "t2": apitest.TokenPage("", "b")},
		func(ctx context.Context, client *apono.Client, body func() bool) {
			for _, err := range client.Integrations.ListAll(ctx) {
				if err != nil || !body() {
					break
				}
			}
		},
	},
	"offsets": {
		map[string]string{"": apitest.OffsetPage(2, 1, 0, "a"), "1": apitest.OffsetPage(2, 1, 1, "b")},
		func(ctx context.Context, client *apono.Client, body func() bool) {
			for _, err := range client.Integrations.ListAllPermissions(ctx, "i1") {
				if err != nil || !body() {
					break
				}
			}
		},
	},
}

// ended reports how f ended: it returned, panicked or ended its goroutine.
func ended(f func()) (how string) {
	how = "goroutine ended"
	var group sync.WaitGroup
	group.Go(func() {
		defer func() {
			if r := recover(); r != nil {
				how = fmt.Sprint("panic: ", r)
			}
		}()
		f()
		how = "returned"
	})
	group.Wait()
	return how
}

// A panic or t.FailNow in user code must end the goroutine of the caller, which can
// recover from it, and not a goroutine of the client.
func TestUserCodeEndsGoroutineOfCallerOnly(t *testing.T) {
	t.Parallel()
	for name, with := range userCode {
		for style, list := range twoPages {
			for how, f := range map[string]func(){"panic: broken": func() { panic("broken") }, "goroutine ended": runtime.Goexit} {
				for _, readAhead := range []int{0, 1} {
					for leave, want := range map[bool]string{false: how, true: map[bool]string{true: how, false: "returned"}[readAhead > 0]} {
						t.Run(fmt.Sprintf("%s of %s, %s, ahead %d, left %t", name, style, how, readAhead, leave), func(t *testing.T) {
							t.Parallel()
							synctest.Test(t, func(t *testing.T) {
								p := &apitest.Pager{Pages: list.pages}
								client := apitest.NewClient(t, apitest.NoRequest(t), apono.WithHTTPClient(&http.Client{Transport: p}),
									apitest.ReadAhead(readAhead), with(secondTime(f)))
								var got string
								func() {
									got = ended(func() {
										list.list(t.Context(), client, func() bool {
											synctest.Wait() // until read-ahead is done
											return !leave
										})
									})
								}()
								require.Equal(t, want, got)
							})
						})
					}
				}
			}
		}
	}
}

// Leaving a loop early is not an error: read-ahead that it ends is logged at Debug.
func TestAbandonedReadAheadIsLoggedAtDebug(t *testing.T) {
	t.Parallel()
	for style, list := range twoPages {
		t.Run(style, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var records bytes.Buffer
				p := &apitest.Pager{Pages: list.pages, Held: func(at string) bool { return at != "" }}
				logger := slog.New(slog.NewTextHandler(&records, &slog.HandlerOptions{Level: slog.LevelDebug}))
				client := apitest.NewClient(t, apitest.NoRequest(t), apono.WithHTTPClient(&http.Client{Transport: p}), apono.WithReadAhead(), apono.WithLogger(logger))
				list.list(t.Context(), client, func() bool { synctest.Wait(); return false })
				require.Equal(t, 2, strings.Count(records.String(), "level=DEBUG"), records.String())
				require.Equal(t, 2, strings.Count(records.String(), "\n"), records.String())
			})
		})
	}
}

// Read-ahead that ends with the context of the caller is logged at Error.
func TestCanceledReadAheadIsLoggedAtError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var records bytes.Buffer
		list := twoPages["tokens"]
		p := &apitest.Pager{Pages: list.pages, Held: func(at string) bool { return at != "" }}
		client := apitest.NewClient(t, apitest.NoRequest(t), apono.WithHTTPClient(&http.Client{Transport: p}), apono.WithReadAhead(), apitest.JSONLogger(&records))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		list.list(ctx, client, func() bool { return true })
		require.Contains(t, records.String(), `"level":"ERROR"`)
	})
}

// nilLimiter and nilTransport are pointer types whose nil may be passed as an
// interface: var limiter *nilLimiter; WithLimiter(limiter).
type nilLimiter struct{ n int }

func (l *nilLimiter) Wait(context.Context) error { l.n++; return nil }

type nilTransport struct{ next http.RoundTripper }

func (n *nilTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	return n.next.RoundTrip(req)
}

// An interface with a nil pointer is not nil, and would panic in the first request.
func TestNilPointerInInterfaceIsRejected(t *testing.T) {
	t.Parallel()
	for arg, option := range map[string]apono.Option{
		"limiter":          apono.WithLimiter((*nilLimiter)(nil)),
		"client.Transport": apono.WithHTTPClient(&http.Client{Transport: (*nilTransport)(nil)}),
		"client.Jar":       apono.WithHTTPClient(&http.Client{Jar: (*cookiejar.Jar)(nil)}),
		"middleware":       apono.WithMiddleware(func(http.RoundTripper) http.RoundTripper { return (*nilTransport)(nil) }),
	} {
		_, err := apono.NewClient(apitest.Token, option)
		require.Equal(t, arg, apitest.ErrorAs[*apono.ArgumentError](t, err).Arg)
		require.ErrorContains(t, err, "nil")
	}
	_, err := apono.NewClient(apitest.Token, apono.WithHTTPClient(&http.Client{Transport: apitest.RoundTripFunc(nil)}))
	require.Equal(t, "client.Transport", apitest.ErrorAs[*apono.ArgumentError](t, err).Arg)
}
