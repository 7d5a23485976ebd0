package apono_test

import (
	"context"
	"iter"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/stretchr/testify/require"
)

func TestReadAheadRequestsOneTokenPage(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for readAhead, want := range map[int][]time.Duration{
		// The requests and the end of the loop.
		0: {0, 11 * s, 17 * s, 23 * s},
		1: {0, 1 * s, 11 * s, 21 * s},
		4: {0, 1 * s, 11 * s, 21 * s},
	} {
		t.Run(strconv.Itoa(readAhead), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &apitest.Pager{
					Pages: map[string]string{"": apitest.TokenPage("t2", "a", "b"), "t2": apitest.TokenPage("t3", "c"), "t3": apitest.TokenPage("", "d")},
					Delay: func(string) time.Duration { return s },
				}
				start := time.Now()
				got, err := apitest.Drain(t, p.Client(t, readAhead).Integrations.ListAll(t.Context()), func(i *apono.Integration) string {
					time.Sleep(5 * s)
					return i.ID
				})
				require.NoError(t, err)
				require.Equal(t, []string{"a", "b", "c", "d"}, got)
				var times []time.Duration
				for _, at := range append(p.Times, time.Now()) {
					times = append(times, at.Sub(start))
				}
				require.Equal(t, want, times)
			})
		})
	}
}

// A canceled list must not look complete, even if all pages were received.
func TestReadAheadListEndsWithErrorOfContext(t *testing.T) {
	t.Parallel()
	for style, list := range map[string]struct {
		pages map[string]string
		loop  func(ctx context.Context, s *apono.IntegrationsService, more func() bool) error
	}{
		"token": {
			map[string]string{"": apitest.TokenPage("t2", "a"), "t2": apitest.TokenPage("", "b")},
			func(ctx context.Context, s *apono.IntegrationsService, more func() bool) error {
				return loop(s.ListAll(ctx), more)
			},
		},
		"offset": {
			map[string]string{"": apitest.OffsetPage(2, 1, 0, "a"), "1": apitest.OffsetPage(2, 1, 1, "b")},
			func(ctx context.Context, s *apono.IntegrationsService, more func() bool) error {
				return loop(s.ListAllPermissions(ctx, "i1"), more)
			},
		},
	} {
		t.Run(style, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &apitest.Pager{Pages: list.pages}
				ctx, cancel := context.WithCancel(t.Context())
				items := 0
				err := list.loop(ctx, p.Client(t, 1).Integrations, func() bool {
					items++
					synctest.Wait()
					require.Len(t, p.Requests(), 2)
					require.Zero(t, p.UnderWay())
					cancel()
					return true
				})
				require.ErrorIs(t, err, context.Canceled)
				require.ErrorAs(t, err, new(*apono.TransportError))
				require.Equal(t, 1, items)
			})
		})
	}
}

func TestReadAheadRequestsOneOffsetPage(t *testing.T) {
	t.Parallel()
	for readAhead, took := range map[int]time.Duration{0: 10 * time.Second, 1: 6 * time.Second} {
		t.Run(strconv.Itoa(readAhead), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &apitest.Pager{
					Serve: func(at string) string {
						skip, _ := strconv.Atoi(at)
						return apitest.OffsetPage(5, 1, skip, strconv.Itoa(skip))
					},
					Delay: func(string) time.Duration { return time.Second },
				}
				start := time.Now()
				got, err := apitest.Drain(t, p.Client(t, readAhead).Integrations.ListAllPermissions(t.Context(), "i1"), func(p *apono.Permission) string {
					time.Sleep(time.Second)
					return p.ID
				})
				require.NoError(t, err)
				require.Equal(t, []string{"0", "1", "2", "3", "4"}, got)
				require.Len(t, p.Requests(), 5)
				require.Equal(t, 1, p.Most)
				require.Equal(t, took, time.Since(start))
			})
		})
	}
}

// The pages before a failed one must be yielded first.
func TestReadAheadReportsFailureInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &apitest.Pager{
			Pages: map[string]string{"": apitest.OffsetPage(4, 1, 0, "a"), "1": apitest.OffsetPage(4, 1, 1, "b"), "3": apitest.OffsetPage(4, 1, 3, "d")},
			Delay: func(at string) time.Duration {
				if at == "1" {
					return 10 * time.Second
				}
				return 0
			},
		}
		got, err := apitest.Drain(t, p.Client(t, 3).Integrations.ListAllPermissions(t.Context(), "i1"), apitest.PermissionID)
		require.Equal(t, []string{"a", "b"}, got)
		require.ErrorIs(t, err, apono.ErrForbidden)
	})
}

// loop ranges over a list until an error or until more returns false, and recovers from
// panics.
func loop[T any](seq iter.Seq2[*T, error], more func() bool) (err error) {
	defer func() { _ = recover() }()
	for _, err = range seq {
		if err != nil || !more() {
			return err
		}
	}
	return err
}

// Requests and goroutines must end with the loop. A goroutine that remains in the bubble
// fails the test.
func TestReadAheadEndsWithLoop(t *testing.T) {
	t.Parallel()
	later := func(at string) bool { return at != "" }
	for style, list := range map[string]struct {
		first string
		loop  func(ctx context.Context, s *apono.IntegrationsService, more func() bool) error
	}{
		"token": {apitest.TokenPage("t2", "a"), func(ctx context.Context, s *apono.IntegrationsService, more func() bool) error {
			return loop(s.ListAll(ctx), more)
		}},
		"offset": {apitest.OffsetPage(5, 1, 0, "a"), func(ctx context.Context, s *apono.IntegrationsService, more func() bool) error {
			return loop(s.ListAllPermissions(ctx, "i1"), more)
		}},
	} {
		for _, c := range []struct {
			name string
			// more is called with the first item. The loop ends if it returns false.
			more func(cancel func()) bool
			held func(at string) bool
			err  error
		}{
			{name: "break", more: func(func()) bool { return false }, held: later},
			{name: "panic", more: func(func()) bool { panic("in the loop") }, held: later},
			{name: "cancel", more: func(cancel func()) bool { cancel(); return true }, held: later, err: context.Canceled},
			{
				name: "error", more: func(func()) bool { return true },
				held: func(at string) bool { return at == "2" || at == "3" }, err: apono.ErrForbidden,
			},
		} {
			t.Run(style+", "+c.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					p := &apitest.Pager{Pages: map[string]string{"": list.first}, Held: c.held}
					start := time.Now()
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					err := list.loop(ctx, p.Client(t, 3).Integrations, func() bool {
						synctest.Wait() // until the pages ahead are requested
						return c.more(cancel)
					})
					require.ErrorIs(t, err, c.err)
					require.Zero(t, p.UnderWay())
					// A held request that is not canceled ends with its timeout.
					require.LessOrEqualf(t, time.Since(start), time.Second, "the loop must end immediately, took %s", time.Since(start))
					require.Greaterf(t, len(p.Requests()), 1, "expected requests for later pages, got %v", p.Requests())
				})
			})
		}
	}
}
