package program

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/stretchr/testify/require"
)

func TestEachReportsInOrderAndLimitsCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int64
		started := time.Now()
		var reported []string
		Each(t.Context(), 30, 10, func(i int) error {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			time.Sleep(time.Duration(30-i) * time.Millisecond) // later ones are faster
			if i%7 == 3 {
				return fmt.Errorf("failed %d", i)
			}
			return nil
		}, func(i int, err error) { reported = append(reported, fmt.Sprintf("%d %v", i, err)) })
		require.Len(t, reported, 30)
		require.Equal(t, []string{"2 <nil>", "3 failed 3", "4 <nil>"}, reported[2:5])
		require.Equal(t, "29 <nil>", reported[29])
		require.EqualValues(t, 10, most.Load())
		require.Less(t, time.Since(started), 65*time.Millisecond)
	})
}

// What was started when the context ends is finished; the rest is reported.
func TestEachStops(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{nil, fmt.Errorf("list: %w", apono.ErrUnauthorized)} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			var mu sync.Mutex
			var started []int
			var reported []error
			Each(ctx, 9, 3, func(i int) error {
				mu.Lock()
				started = append(started, i)
				mu.Unlock()
				time.Sleep(time.Second)
				if i == 1 {
					if cause == nil {
						cancel()
					}
					return cause
				}
				time.Sleep(time.Second)
				return nil
			}, func(_ int, err error) { reported = append(reported, err) })
			cancel()
			slices.Sort(started)
			require.Equal(t, []int{0, 1, 2}, started)
			require.Equal(t, append([]error{nil, cause, nil}, slices.Repeat([]error{ErrNotStarted}, 6)...), reported)
		})
	}
}

func TestFinishingEndsAfterGrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, interrupt := context.WithCancel(t.Context())
		finishing, cancel := Finishing(ctx)
		defer cancel()
		interrupt()
		time.Sleep(Grace - time.Millisecond)
		synctest.Wait()
		require.NoError(t, finishing.Err())
		time.Sleep(time.Millisecond)
		synctest.Wait()
		require.Error(t, finishing.Err())
	})
}

func TestNotFoundIsOfTheAPI(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		`{"message": "no such member"}`: true, " {}\n": true,
		"": false, "<html>": false, "404 page not found": false, `"not found"`: false, "null": false, "{": false,
	} {
		err := fmt.Errorf("removing: %w", &apono.APIError{StatusCode: 404, Body: apono.Body(body)})
		require.Equalf(t, want, NotFound(err), "body %q", body)
	}
	require.False(t, NotFound(&apono.APIError{StatusCode: 403, Body: apono.Body("{}")}))
	require.False(t, NotFound(apono.ErrNotFound))
}

func TestAdviceFollowsCause(t *testing.T) {
	t.Parallel()
	forbidden, invalid, busy := &apono.APIError{StatusCode: 403}, &apono.APIError{StatusCode: 422}, &apono.APIError{StatusCode: 503}
	const again, permission = "run the command again", "the token needs more permissions"
	require.Equal(t, permission, Advice([]error{forbidden, invalid}))
	require.Equal(t, again, Advice([]error{forbidden, busy}))
	require.Equal(t, again, Advice([]error{errors.New("lost"), invalid}))
	require.Empty(t, Advice([]error{invalid}))
	require.Empty(t, Advice(nil))
}
