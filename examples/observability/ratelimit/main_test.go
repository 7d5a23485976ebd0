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

	"golang.org/x/time/rate"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/process"
	"github.com/apono-go/apono/internal/check"
)

func TestMain(m *testing.M) { process.Main(m, main) }

// Calls that are not spread are what servers answer with 429, and the calls of
// all other programs of the account with them.
func TestCallsAtOnceAreSpread(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := aponotest.NewServer(t, aponotest.WithoutNetwork())
		var out strings.Builder
		client := server.Client(apono.WithLimiter(rate.NewLimiter(5, 2)))
		check.NoError(t, callAtOnce(t.Context(), &out, client, 6))
		check.Equal(t, out.String(), "call 1 of 6, after 0.0 s: ok\ncall 2 of 6, after 0.0 s: ok\ncall 3 of 6, after 0.2 s: ok\n"+
			"call 4 of 6, after 0.4 s: ok\ncall 5 of 6, after 0.6 s: ok\ncall 6 of 6, after 0.8 s: ok\n")
		check.Equal(t, len(server.Requests("Users.List")), 6)
	})
}

// A storm of repetitions is what a limiter is there for in the first place.
func TestRepeatedAttemptsWaitForTheLimiter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := aponotest.NewServer(t, aponotest.WithoutNetwork())
		server.FailNext("Users.List", 2, 503, nil, "")
		var leaves atomic.Int64
		limiter := waiter(func(context.Context) error {
			leaves.Add(1)
			return nil
		})
		var out strings.Builder
		check.NoError(t, callAtOnce(t.Context(), &out, server.Client(apono.WithLimiter(limiter)), 1))
		check.Equal(t, leaves.Load(), 3)
	})
}

type waiter func(context.Context) error

func (w waiter) Wait(ctx context.Context) error { return w(ctx) }

// Whoever is interrupted does not wait for calls that have not gone out.
func TestWaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := aponotest.NewServer(t, aponotest.WithoutNetwork())
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(1500*time.Millisecond, cancel)
		started := time.Now()
		var out strings.Builder
		err := callAtOnce(ctx, &out, server.Client(apono.WithLimiter(rate.NewLimiter(1, 1))), 5)
		check.ErrorIs(t, err, context.Canceled)
		check.Equal(t, time.Since(started), 1500*time.Millisecond)
		check.Equal(t, strings.Count(out.String(), ": ok\n"), 2)
		check.Equal(t, len(server.Requests()), 2)
	})
}

// The next call would go in days: what is interrupted then is the wait for the
// limiter that the flags describe.
func TestTheProgramsCallsWaitForItsLimiter(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	cmd := process.Command(t, process.Env(server), "-calls", "3", "-rate", "0.000001", "-burst", "2")
	pipe, err := cmd.StdoutPipe()
	check.NoError(t, err)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	check.NoError(t, cmd.Start())
	stdout := bufio.NewReader(pipe)
	for _, want := range []string{"call 1 of 3", "call 2 of 3"} {
		line, err := stdout.ReadString('\n')
		check.NoError(t, err)
		check.Contains(t, line, want, ": ok\n")
	}
	check.NoError(t, cmd.Process.Signal(os.Interrupt))
	rest, err := io.ReadAll(stdout)
	check.NoError(t, err)
	_ = cmd.Wait()
	check.Contains(t, string(rest), "call 3 of 3", "waiting for the limiter: context canceled")
	check.Equal(t, cmd.ProcessState.ExitCode(), 1)
	check.Equal(t, stderr.String(), "ratelimit: interrupted\n")
	check.Equal(t, len(server.Requests()), 2)
}

func TestTheProgram(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	result := process.Run(t, process.Env(server), "-calls", "3", "-rate", "1000")
	check.Equal(t, result.Code, 0)
	check.Equal(t, result.Stderr, "")
	check.Equal(t, regexp.MustCompile(`\d\.\d s`).ReplaceAllString(result.Stdout, "T"),
		"call 1 of 3, after T: ok\ncall 2 of 3, after T: ok\ncall 3 of 3, after T: ok\n")
	check.Equal(t, len(server.Requests("Users.List")), 3)
	for _, wrong := range [][]string{{"-rate", "0"}, {"-burst", "0"}, {"-calls", "-1"}, {"-rate", "NaN"}} {
		check.Equal(t, process.Run(t, process.Env(server), wrong...).Code, 2)
	}
	result = process.Run(t, nil, "-h")
	check.Equal(t, result.Code, 0)
	check.Contains(t, result.Stderr, "Usage: ratelimit [flags]\n", "-burst", "-calls", "-rate")
}
