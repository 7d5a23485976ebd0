package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/process"
	"github.com/apono-go/apono/examples/observability/internal/calls"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"
)

func TestMain(m *testing.M) { process.Main(m, main) }

func TestConcurrentCallsAreLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := aponotest.NewServer(t, aponotest.WithoutNetwork())
		var out strings.Builder
		client := server.Client(apono.WithLimiter(rate.NewLimiter(5, 2)))
		require.NoError(t, calls.AtOnce(t.Context(), &out, client, 6))
		require.Equal(t, "call 1 of 6, after 0.0 s: ok\ncall 2 of 6, after 0.0 s: ok\ncall 3 of 6, after 0.2 s: ok\n"+
			"call 4 of 6, after 0.4 s: ok\ncall 5 of 6, after 0.6 s: ok\ncall 6 of 6, after 0.8 s: ok\n", out.String())
		require.Len(t, server.Requests("Users.List"), 6)
	})
}

func TestRetriesWaitForLimiter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := aponotest.NewServer(t, aponotest.WithoutNetwork())
		server.FaultNext("Users.List", 2, aponotest.Fault{Status: 503})
		var waits atomic.Int64
		limiter := waiter(func(context.Context) error {
			waits.Add(1)
			return nil
		})
		var out strings.Builder
		require.NoError(t, calls.AtOnce(t.Context(), &out, server.Client(apono.WithLimiter(limiter)), 1))
		require.EqualValues(t, 3, waits.Load())
	})
}

type waiter func(context.Context) error

func (w waiter) Wait(ctx context.Context) error { return w(ctx) }

func TestWaitEndsWithContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := aponotest.NewServer(t, aponotest.WithoutNetwork())
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(1500*time.Millisecond, cancel)
		started := time.Now()
		var out strings.Builder
		err := calls.AtOnce(ctx, &out, server.Client(apono.WithLimiter(rate.NewLimiter(1, 1))), 5)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 1500*time.Millisecond, time.Since(started))
		require.Equal(t, 2, strings.Count(out.String(), ": ok\n"))
		require.Len(t, server.Requests(), 2)
	})
}

// The limiter allows the third call only after days, so the interrupt ends the wait
// for the limiter.
func TestFlagsConfigureLimiter(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	cmd := process.Command(t, process.Env(server), "-calls", "3", "-rate", "0.000001", "-burst", "2")
	pipe, err := cmd.StdoutPipe()
	require.NoError(t, err)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	stdout := bufio.NewReader(pipe)
	for _, want := range []string{"call 1 of 3", "call 2 of 3"} {
		line, err := stdout.ReadString('\n')
		require.NoError(t, err)
		require.Contains(t, line, want)
		require.Contains(t, line, ": ok\n")
	}
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	rest, err := io.ReadAll(stdout)
	require.NoError(t, err)
	_ = cmd.Wait()
	require.Contains(t, string(rest), "call 3 of 3")
	require.Contains(t, string(rest), "waiting for the limiter: context canceled")
	require.Equal(t, 130, cmd.ProcessState.ExitCode())
	require.Equal(t, "ratelimit: interrupted\n", stderr.String())
	require.Len(t, server.Requests(), 2)
}

func TestProgram(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	result := process.Run(t, process.Env(server), "-calls", "3", "-rate", "1000")
	require.Zero(t, result.Code)
	require.Empty(t, result.Stderr)
	require.Equal(t, "call 1 of 3, after T: ok\ncall 2 of 3, after T: ok\ncall 3 of 3, after T: ok\n", regexp.MustCompile(`\d\.\d s`).ReplaceAllString(result.Stdout, "T"))
	require.Len(t, server.Requests("Users.List"), 3)
	for _, wrong := range [][]string{{"-rate", "0"}, {"-burst", "0"}, {"-calls", "-1"}, {"-rate", "NaN"}} {
		require.Equal(t, 2, process.Run(t, process.Env(server), wrong...).Code)
	}
	help := process.Help(t)
	for _, part := range []string{
		"Usage: ratelimit [flags]\n", "-burst", "-calls", "-rate",
	} {
		require.Contains(t, help, part)
	}
}
