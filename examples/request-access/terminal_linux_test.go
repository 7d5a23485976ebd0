package main

import (
	"bufio"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apono-go/apono/examples/internal/process"
	"github.com/stretchr/testify/require"
)

// The terminal sends Ctrl-C to the command. If the program passed it on as well,
// commands that a second interrupt ends would end.
func TestCtrlCReachesCommandOnce(t *testing.T) {
	t.Parallel()
	server := newServer(t, approved)
	person, terminal := process.Terminal(t)
	cmd := process.Command(t, process.Env(server), onCallRuns(`trap 'echo INT' INT; trap 'echo bye; exit 6' TERM
		echo running; while :; do /bin/sleep 0.02; done`)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, terminal, terminal
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	require.NoError(t, cmd.Start())
	lines := bufio.NewReader(person)
	read := ""
	until := func(text string) {
		for !strings.Contains(read, text) {
			line, err := lines.ReadString('\n')
			require.NoErrorf(t, err, "before %q, after %q", text, read)
			read += line
		}
	}
	until("running")
	_, err := person.WriteString("\x03")
	require.NoError(t, err)
	until("INT")
	time.Sleep(200 * time.Millisecond)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	until("Revoked")
	require.Equal(t, 1, strings.Count(read, "INT"), read)
	_ = cmd.Wait()
	require.Equal(t, 6, cmd.ProcessState.ExitCode())
	requireRevokedOnce(t, server)
}
