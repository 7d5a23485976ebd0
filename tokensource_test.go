package apono_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cachedClient returns a client whose tokens are "token-1", "token-2" and so on, and the
// number of issued tokens.
func cachedClient(t *testing.T, transport http.RoundTripper, life time.Duration, opts ...apono.Option) (*apono.Client, *atomic.Int64) {
	t.Helper()
	issued := new(atomic.Int64)
	source := apono.CachedTokenSource(func(ctx context.Context) (string, time.Time, error) {
		n := issued.Add(1)
		time.Sleep(time.Second)
		var expires time.Time
		if life > 0 {
			expires = time.Now().Add(life)
		}
		return fmt.Sprintf("token-%d", n), expires, ctx.Err()
	})
	opts = append([]apono.Option{apono.WithHTTPClient(&http.Client{Transport: transport}), apono.WithTokenSource(source)}, opts...)
	client, err := apono.NewClient("", opts...)
	require.NoError(t, err)
	return client, issued
}

// accepting returns a server that accepts only the token in good.
func accepting(good *atomic.Value) http.RoundTripper {
	return apitest.RoundTripFunc(func(req *http.Request) (*http.Response, error) {
		time.Sleep(100 * time.Millisecond)
		status, body := http.StatusOK, apitest.OneIntegration
		if req.Header.Get("Authorization") != "Bearer "+good.Load().(string) { //nolint:forcetypeassert // //nolint:forcetypeassert // set by the test
			status, body = http.StatusUnauthorized, "{}"
		}
		return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
	})
}

// Goroutines share a token, also when many requests are rejected at the same time.
func TestCachedTokenSourceSharesToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var good atomic.Value
		good.Store("token-1")
		client, issued := cachedClient(t, accepting(&good), 0)
		many := func() {
			var group sync.WaitGroup
			for i := range 50 {
				group.Go(func() {
					time.Sleep(time.Duration(i) * 3 * time.Millisecond)
					assert.NoError(t, apitest.GetIntegration(t.Context(), client))
				})
			}
			group.Wait()
		}
		many()
		require.EqualValues(t, 1, issued.Load())
		time.Sleep(1000 * time.Hour)
		many()
		require.EqualValues(t, 1, issued.Load())
		good.Store("token-2")
		many()
		require.EqualValues(t, 2, issued.Load(), "rejected requests must share one new token")
		good.Store("token-3")
		require.NoError(t, apitest.GetIntegration(t.Context(), client), "a token that was just issued must be renewed")
		require.EqualValues(t, 3, issued.Load())
	})
}

// A request that was rejected with an older token must not renew the current one.
func TestCachedTokenSourceRenewsOnceForLateRejections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, issued := cachedClient(t, apitest.RoundTripFunc(func(req *http.Request) (*http.Response, error) {
			status, body := http.StatusOK, apitest.OneIntegration
			if req.Header.Get("Authorization") == "Bearer token-1" {
				status, body = http.StatusUnauthorized, "{}"
				if strings.HasSuffix(req.URL.Path, "/slow") {
					time.Sleep(time.Minute)
				}
			}
			return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
		}), 0, apono.WithAttemptTimeout(time.Hour))
		var group sync.WaitGroup
		for _, id := range []string{"fast", "slow"} {
			group.Go(func() {
				_, err := client.Integrations.Get(t.Context(), id)
				assert.NoError(t, err)
			})
		}
		group.Wait()
		require.EqualValues(t, 2, issued.Load())
	})
}

func TestCachedTokenSourceRenewsOneMinuteBeforeExpiry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		get := apono.CachedTokenSource(func(context.Context) (string, time.Time, error) {
			return fmt.Sprint(time.Now().Unix()), time.Now().Add(10 * time.Minute), nil
		})
		first, err := get(t.Context())
		require.NoError(t, err)
		time.Sleep(9*time.Minute - time.Second)
		again, err := get(t.Context())
		require.NoError(t, err)
		require.Equal(t, first, again)
		time.Sleep(time.Second)
		renewed, err := get(t.Context())
		require.NoError(t, err)
		require.NotEqual(t, first, renewed)
	})
}

// A caller waits until its context ends. When it leaves, the others still get the token.
func TestCachedTokenSourceWaitsNoLongerThanTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls, ended atomic.Int64
		get := apono.CachedTokenSource(func(ctx context.Context) (string, time.Time, error) {
			calls.Add(1)
			select {
			case <-ctx.Done():
				ended.Add(1)
				return "", time.Time{}, ctx.Err()
			case <-time.After(10 * time.Second):
				return "token", time.Time{}, nil
			}
		})
		started := time.Now()
		ask := func(d time.Duration) error {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			_, err := get(ctx)
			return err
		}
		var group sync.WaitGroup
		group.Go(func() {
			assert.ErrorIs(t, ask(time.Second), context.DeadlineExceeded)
			assert.Equal(t, time.Second, time.Since(started))
		})
		group.Go(func() {
			time.Sleep(time.Millisecond)
			assert.NoError(t, ask(time.Minute))
			assert.Equal(t, 10*time.Second, time.Since(started))
		})
		group.Wait()
		require.EqualValues(t, 1, calls.Load())

		get = apono.CachedTokenSource(func(ctx context.Context) (string, time.Time, error) {
			<-ctx.Done()
			ended.Add(1)
			return "", time.Time{}, ctx.Err()
		})
		require.ErrorIs(t, ask(time.Second), context.DeadlineExceeded)
		synctest.Wait()
		require.EqualValues(t, 1, ended.Load(), "the source must end with the last caller")
	})
}

func TestCachedTokenSourceDoesNotCacheErrors(t *testing.T) {
	t.Parallel()
	down := errors.New("the vault is sealed")
	results := []func() (string, time.Time, error){
		func() (string, time.Time, error) { return "", time.Time{}, down },
		func() (string, time.Time, error) { return "two words", time.Time{}, nil },
		func() (string, time.Time, error) { panic("a bug") },
		func() (string, time.Time, error) { return "token", time.Time{}, nil },
	}
	get := apono.CachedTokenSource(func(context.Context) (string, time.Time, error) {
		next := results[0]
		results = results[1:]
		return next()
	})
	_, err := get(t.Context())
	require.Equal(t, down, err)
	_, err = get(t.Context())
	require.ErrorAs(t, err, new(*apono.ArgumentError))
	require.PanicsWithValue(t, "a bug", func() { _, _ = get(t.Context()) })
	for range 2 {
		token, err := get(t.Context())
		require.NoError(t, err)
		require.Equal(t, "token", token)
	}
	_, err = apono.NewClient("", apono.WithTokenSource(apono.CachedTokenSource(nil)))
	require.ErrorAs(t, err, new(*apono.ArgumentError))
}
