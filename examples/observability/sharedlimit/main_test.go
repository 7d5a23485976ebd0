package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/process"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { process.Main(m, main) }

// freePort returns a port that is not in use.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	return port
}

// startRedis starts a Redis server and returns its address. It skips the test if
// there is no redis-server.
func startRedis(t *testing.T) (address string, stop func()) {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("there is no redis-server")
	}
	port := freePort(t)
	//nolint:gosec // the path comes from LookPath
	server := exec.CommandContext(t.Context(), path, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	require.NoError(t, server.Start())
	stop = sync.OnceFunc(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	t.Cleanup(stop)
	address = "127.0.0.1:" + port
	client := redis.NewClient(&redis.Options{Addr: address})
	defer func() { _ = client.Close() }()
	require.Eventually(t, func() bool { return client.Ping(t.Context()).Err() == nil }, 10*time.Second, 10*time.Millisecond)
	return address, stop
}

func TestThreeProcessesShareOneBudget(t *testing.T) {
	t.Parallel()
	address, _ := startRedis(t)
	server := aponotest.NewServer(t)
	const processes, calls, perSecond = 3, 10, 20
	started := time.Now()
	var group sync.WaitGroup
	for range processes {
		group.Go(func() {
			result := process.Run(t, process.Env(server), "-redis", address, "-calls", fmt.Sprint(calls), "-rate", fmt.Sprint(perSecond))
			assert.Zero(t, result.Code)
			assert.Empty(t, result.Stderr)
			assert.Equal(t, calls, strings.Count(result.Stdout, ": ok\n"))
		})
	}
	group.Wait()
	require.Len(t, server.Requests("Users.List"), processes*calls)
	// Without the shared limit, the three processes would take (10-1)/20 s.
	require.GreaterOrEqual(t, time.Since(started), (processes*calls-1)*time.Second/perSecond)
}

// Each key has a separate limit.
func TestKeysAreIndependent(t *testing.T) {
	t.Parallel()
	address, _ := startRedis(t)
	server := aponotest.NewServer(t)
	// A key that has used up its burst allows the next one after half a minute.
	args := []string{"-redis", address, "-calls", "30", "-rate", "1", "-burst", "30", "-key"}
	require.Zero(t, process.Run(t, process.Env(server), append(args, "a")...).Code)
	started := time.Now()
	require.Zero(t, process.Run(t, process.Env(server), append(args, "b")...).Code)
	require.Less(t, time.Since(started), 15*time.Second)
}

// The flag -away decides whether calls fail or are limited per process.
func TestRedisNotAvailable(t *testing.T) {
	t.Parallel()
	address, stop := startRedis(t)
	server := aponotest.NewServer(t)
	args := []string{"-redis", address, "-calls", "3", "-rate", "30"}
	require.Zero(t, process.Run(t, process.Env(server), args...).Code)
	stop()

	result := process.Run(t, process.Env(server), args...)
	require.Equal(t, 1, result.Code)
	require.Contains(t, result.Stderr, "cannot read the shared limit: ")
	require.Contains(t, result.Stderr, "connection refused")
	require.Equal(t, 1, strings.Count(result.Stderr, "\n"), "the error must be one line")
	require.Len(t, server.Requests(), 3)

	started := time.Now()
	result = process.Run(t, process.Env(server), append(args, "-away", "alone")...)
	require.Equal(t, 3, strings.Count(result.Stdout, ": ok\n"))
	require.Equal(t, process.Result{Stdout: result.Stdout}, result)
	require.Len(t, server.Requests(), 6)
	require.GreaterOrEqual(t, time.Since(started), 2*time.Second/10, "the rate must be a third of 30 per second")
}

func TestInterruptEndsWait(t *testing.T) {
	t.Parallel()
	address, _ := startRedis(t)
	server := aponotest.NewServer(t)
	cmd := process.Command(t, process.Env(server), "-redis", address, "-calls", "200", "-rate", "1")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = out.Read(make([]byte, 1)) // the first call has ended
	require.NoError(t, err)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	_, err = io.Copy(io.Discard, out)
	require.NoError(t, err)
	_ = cmd.Wait()
	require.Equal(t, 130, cmd.ProcessState.ExitCode())
}

func TestUsage(t *testing.T) {
	t.Parallel()
	help := process.Help(t)
	for _, part := range []string{"Usage: sharedlimit [flags]\n", "-away", "-redis", "-key", "-rate", "-burst", "-processes"} {
		require.Contains(t, help, part)
	}
	for _, wrong := range [][]string{{"-rate", "0"}, {"-burst", "0"}, {"-calls", "-1"}, {"-away", "wait"}, {"-processes", "0"}} {
		require.Equal(t, 2, process.Run(t, nil, wrong...).Code)
	}
}
