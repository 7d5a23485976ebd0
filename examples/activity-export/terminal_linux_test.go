package main

import (
	"bufio"
	"os"
	"testing"

	"github.com/apono-go/apono/examples/internal/process"
	"github.com/stretchr/testify/require"
)

func TestProgressOnTerminal(t *testing.T) {
	t.Parallel()
	person, terminal := process.Terminal(t)
	cmd := process.Command(t, process.Env(newServer(t)), "-fields", "request_id", "-o", os.DevNull)
	cmd.Stderr = terminal
	require.NoError(t, cmd.Start())
	reader := bufio.NewReader(person)
	shown := ""
	for range 2 {
		line, err := reader.ReadString('\r')
		require.NoError(t, err)
		shown += line
	}
	require.Regexp(t, `1 of 7 rows, \d+ a second\r$`, shown)
	require.NoError(t, cmd.Wait())
}
