package main

import (
	"bufio"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/process"
	"github.com/stretchr/testify/require"
)

// Progress is shown after a second.
func TestProgressOnTerminal(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	server.FaultNext("Activity.List", 2, aponotest.Fault{After: 1, Latency: 1500 * time.Millisecond})
	person, terminal := process.Terminal(t)
	cmd := process.Command(t, process.Env(server), "-fields", "request_id", "-o", t.TempDir()+"/out.csv")
	cmd.Stderr = terminal
	require.NoError(t, cmd.Start())
	shown, err := bufio.NewReader(person).ReadString('\r')
	require.NoError(t, err)
	require.Regexp(t, `2 of 7 rows, \d+ a second\r$`, shown)
	require.NoError(t, cmd.Wait())
}

// An export that nobody reads stops.
func TestNobodyReads(t *testing.T) {
	t.Parallel()
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, reader.Close())
	cmd := process.Command(t, nil, "-demo")
	var stderr strings.Builder
	cmd.Stdout, cmd.Stderr = writer, &stderr
	require.Error(t, cmd.Run())
	require.Equal(t, 141, cmd.ProcessState.ExitCode())
	require.NotContains(t, stderr.String(), "600 rows")
}

// JSON lines on a terminal are not glued to the line of progress.
func TestRowsOnTerminal(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	server.FaultNext("Activity.List", 1, aponotest.Fault{After: 1, Latency: 1500 * time.Millisecond})
	shown, code := process.RunOnTerminal(t, 80, process.Env(server), "-format", "jsonl", "-fields", "request_id")
	require.Zero(t, code)
	plain := regexp.MustCompile(`[^\n\r]*\r\x1b\[K`).ReplaceAllString(shown, "")
	require.NotEqual(t, plain, shown)
	require.Equal(t, 7, strings.Count("\n"+plain, "\n{"), "%q", shown)
	require.True(t, strings.HasSuffix(plain, "\nExported 7 rows.\n"))
}

// A second run with the same output or checkpoint is rejected while the first one runs.
func TestSecondRunIsRejected(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	env := serve(t, func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() { close(arrived) })
		<-release
		server.ServeHTTP(w, r)
	})
	args, output, mark := resumable(t)
	first := process.Command(t, append(env, "APONO_TOKEN="+server.Token), args...)
	require.NoError(t, first.Start())
	<-arrived
	for _, test := range [][2]string{{output, mark + "2"}, {output + "2", mark}} {
		result := process.Run(t, process.Env(server), "-to", "2026-04-01", "-o", test[0], "-checkpoint", test[1])
		require.Equal(t, 1, result.Code)
		require.Contains(t, result.Stderr, " is in use by another process\n")
	}
	result := process.Run(t, process.Env(server), "-o", output)
	require.Equal(t, 1, result.Code)
	close(release)
	require.NoError(t, first.Wait())
	require.Equal(t, allSeven, read(t, output))
}
