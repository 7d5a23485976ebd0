//go:build unix

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/apono-go/apono/examples/internal/process"
	"github.com/stretchr/testify/require"
)

func TestInterruptWhileReadingSeed(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(t.TempDir(), "seed")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	cmd := process.Command(t, nil, "-port", "0", "-seed", fifo)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	defer time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() }).Stop()
	writer, err := os.OpenFile(fifo, os.O_WRONLY, 0) // waits until the program has opened it
	require.NoError(t, err)
	defer writer.Close()
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.Error(t, cmd.Wait())
	require.Equal(t, 130, cmd.ProcessState.ExitCode())
	require.Equal(t, "fakeserver: interrupted\n", stderr.String())
}
