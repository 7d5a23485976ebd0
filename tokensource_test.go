package apono_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
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

func TestCachedTokenSourceRenewsBeforeExpiry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		get := apono.CachedTokenSource(func(context.Context) (string, time.Time, error) {
			return fmt.Sprint(time.Now().Unix()), time.Now().Add(10 * time.Minute), nil
		})
		first, err := get(t.Context())
		require.NoError(t, err)
		time.Sleep(9*time.Minute - time.Second) // a tenth of its life is a minute
		again, err := get(t.Context())
		require.NoError(t, err)
		require.Equal(t, first, again)
		time.Sleep(time.Second)
		renewed, err := get(t.Context())
		require.NoError(t, err)
		require.NotEqual(t, first, renewed)
	})
}

// A caller waits until its context ends. When it leaves, another one calls the source.
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
			assert.Equal(t, 11*time.Second, time.Since(started))
		})
		group.Wait()
		require.EqualValues(t, 2, calls.Load())
		require.EqualValues(t, 1, ended.Load())

		get = apono.CachedTokenSource(func(ctx context.Context) (string, time.Time, error) {
			<-ctx.Done()
			ended.Add(1)
			return "", time.Time{}, ctx.Err()
		})
		require.ErrorIs(t, ask(time.Second), context.DeadlineExceeded)
		synctest.Wait()
		require.EqualValues(t, 2, ended.Load(), "the source must end with its caller")
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

// With a source that fails, a valid token is used to its end, and the source is called
// once a second, by one goroutine.
func TestCachedTokenSourceUsesValidTokenWhileSourceFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		get := apono.CachedTokenSource(func(context.Context) (string, time.Time, error) {
			if calls.Add(1) == 1 {
				return "token", time.Now().Add(10 * time.Minute), nil
			}
			time.Sleep(100 * time.Millisecond)
			return "", time.Time{}, errors.New("the vault is sealed")
		})
		ask := func(until time.Duration, check func(token string, err error)) {
			started := time.Now()
			var group sync.WaitGroup
			for range 20 {
				group.Go(func() {
					for time.Since(started) < until {
						check(get(t.Context()))
						time.Sleep(10 * time.Millisecond)
					}
				})
			}
			group.Wait()
		}
		valid := func(token string, err error) {
			assert.NoError(t, err)
			assert.Equal(t, "token", token)
		}
		ask(time.Second, valid)
		require.EqualValues(t, 1, calls.Load())
		time.Sleep(8*time.Minute + 59*time.Second)
		ask(20*time.Second, valid)
		require.InDelta(t, 20, calls.Load(), 2)
		time.Sleep(time.Minute)
		before := calls.Load()
		ask(50*time.Millisecond, func(_ string, err error) { assert.ErrorContains(t, err, "the vault is sealed") })
		require.LessOrEqual(t, calls.Load(), before+2, "goroutines that wait for the same call share its error")
	})
}

// A token of 30 s is not fetched for every call.
func TestCachedTokenSourceKeepsShortLivedToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		get := apono.CachedTokenSource(func(context.Context) (string, time.Time, error) {
			return fmt.Sprint("token-", calls.Add(1)), time.Now().Add(30 * time.Second), nil
		})
		for range 27 {
			token, err := get(t.Context())
			require.NoError(t, err)
			require.Equal(t, "token-1", token)
			time.Sleep(time.Second)
		}
		token, err := get(t.Context())
		require.NoError(t, err)
		require.Equal(t, "token-2", token)
	})
}

// A rejected token is not used again, even if the source fails.
func TestCachedTokenSourceDropsRejectedToken(t *testing.T) {
	t.Parallel()
	results := []string{"token-1", "", "token-2"}
	source := apono.CachedTokenSource(func(context.Context) (string, time.Time, error) {
		token := results[0]
		results = results[1:]
		if token == "" {
			return "", time.Time{}, errors.New("the vault is sealed")
		}
		return token, time.Now().Add(time.Hour), nil
	})
	fake := script.New(t, script.Response{Status: 401}, script.Response{Body: apitest.OneIntegration})
	client := apitest.NewClient(t, fake, apono.WithTokenSource(source))
	require.ErrorContains(t, apitest.GetIntegration(t.Context(), client), "the vault is sealed")
	require.NoError(t, apitest.GetIntegration(t.Context(), client))
	require.Equal(t, "Bearer token-2", fake.Requests()[1].Header.Get("Authorization"))
}

// A source that ignores its context does not hold its caller.
func TestCachedTokenSourceLeavesSourceThatIgnoresContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		get := apono.CachedTokenSource(func(context.Context) (string, time.Time, error) {
			time.Sleep(time.Hour)
			return "token", time.Time{}, nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		started := time.Now()
		_, err := get(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(started))
		token, err := get(t.Context())
		require.NoError(t, err)
		require.Equal(t, "token", token)
	})
}

// CI jobs and Kubernetes hand tokens over as files, and replace them.
func TestFileTokenSource(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		// A replaced file is another one, whatever its time and size.
		require.NoError(t, os.WriteFile(path+".new", []byte(text), 0o600))
		require.NoError(t, os.Rename(path+".new", path))
	}
	fake := script.New(t, slices.Repeat([]script.Response{{Body: apitest.OneIntegration}}, 4)...)
	source := apono.FileTokenSource(path)
	client := apitest.NewClient(t, fake, apono.WithTokenSource(source))
	get := func() error { return apitest.GetIntegration(t.Context(), client) }
	require.ErrorIs(t, get(), os.ErrNotExist)
	write("token-1\n")
	require.NoError(t, get())
	write("token-2\r\n")
	require.NoError(t, get())
	require.NoError(t, os.Remove(path))
	require.NoError(t, get(), "the previous token is used while the file cannot be read")
	write("token 3")
	require.NoError(t, get(), "the previous token is used while the file is invalid")
	require.Equal(t, "Bearer token-1, Bearer token-2, Bearer token-2, Bearer token-2", apitest.Authorizations(fake))

	// The server rejects the token: the file is read again, although it looks the same.
	write("token-4")
	info, err := os.Stat(path)
	require.NoError(t, err)
	fake = script.New(t, script.Response{Body: apitest.OneIntegration}, script.Response{Status: 401}, script.Response{Body: apitest.OneIntegration}, script.Response{Status: 401})
	client = apitest.NewClient(t, fake, apono.WithTokenSource(apono.FileTokenSource(path)))
	require.NoError(t, get())
	require.NoError(t, os.WriteFile(path, []byte("token-5"), 0o600))
	require.NoError(t, os.Chtimes(path, info.ModTime(), info.ModTime()))
	require.NoError(t, get())
	require.Equal(t, "Bearer token-4, Bearer token-4, Bearer token-5", apitest.Authorizations(fake))
	require.NoError(t, os.Remove(path))
	require.ErrorIs(t, get(), os.ErrNotExist, "a rejected token was used")
}

func TestFileTokenSourceRejectsOtherFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"large": strings.Repeat("x", 64<<10+1), "empty": "", "two lines": "a\nb\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
		_, err := apono.FileTokenSource(filepath.Join(dir, name))(t.Context())
		require.Contains(t, apitest.ErrorAs[*apono.ArgumentError](t, err).Arg, name)
	}
	_, err := apono.FileTokenSource(dir)(t.Context())
	require.Contains(t, apitest.ErrorAs[*apono.ArgumentError](t, err).Reason, "regular file")
	_, err = apono.FileTokenSource(filepath.Join(dir, "none"))(t.Context())
	require.ErrorIs(t, err, os.ErrNotExist)
	largest := filepath.Join(dir, "largest")
	require.NoError(t, os.WriteFile(largest, []byte(strings.Repeat("x", 64<<10)), 0o600))
	token, err := apono.FileTokenSource(largest)(t.Context())
	require.NoError(t, err)
	require.Len(t, token, 64<<10)
}

// Not parallel: t.Setenv changes the environment of the whole process.
func TestNewClientFromEnvWithTokenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(path, []byte("from-file\n"), 0o600))
	t.Setenv("APONO_ENDPOINT", "")
	for _, tc := range []struct {
		name, token, personal, file string
		reason                      string // of the error, empty for success
	}{
		{"file", "", "", path, ""},
		{"file that does not exist", "", "", path + "-not", "no such file"},
		{"file and token", "one", "", path, "together with APONO_TOKEN"},
		{"file and personal token", "", "two", path, "together with APONO_PERSONAL_TOKEN"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Setenv("APONO_TOKEN", tc.token)
			t.Setenv("APONO_PERSONAL_TOKEN", tc.personal)
			t.Setenv("APONO_TOKEN_FILE", tc.file)
			fake := apitest.NoRequest(t)
			if tc.reason == "" {
				fake = script.New(t, script.Response{Body: apitest.OneIntegration})
			}
			client, err := apono.NewClientFromEnv(apono.WithHTTPClient(fake.Client()))
			if tc.reason != "" {
				rejected := apitest.ErrorAs[*apono.ArgumentError](t, err)
				require.Equal(t, "APONO_TOKEN_FILE", rejected.Arg)
				require.Contains(t, rejected.Reason, tc.reason)
				return
			}
			require.NoError(t, err)
			require.NoError(t, apitest.GetIntegration(t.Context(), client))
			require.Equal(t, "Bearer from-file", apitest.Authorizations(fake))
		})
	}
}
