package main

import (
	"bufio"
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
