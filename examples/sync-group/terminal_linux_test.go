package main

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/apono-go/apono/examples/internal/process"
	"github.com/stretchr/testify/require"
)

// An interrupt ends the program also while it waits for the reply.
func TestAsksOnTerminal(t *testing.T) {
	t.Parallel()
	const question = "Apply 4 changes to group \"On call\"? [y/N] "
	for _, test := range []struct {
		name   string
		reply  func(person *os.File, program *os.Process) error
		stderr string
		code   int
		writes int
	}{
		{"yes", typed("y\n"), "Group \"On call\": 2 added, 2 removed.\n", 0, 4},
		{"no", typed("n\n"), "Nothing was changed.\n", 3, 0},
		{"only enter", typed("\n"), "Nothing was changed.\n", 3, 0},
		{"end of input", typed("\x04"), "Nothing was changed.\n", 3, 0},
		{"interrupt", func(_ *os.File, program *os.Process) error { return program.Signal(os.Interrupt) }, "\nsync-group: interrupted\n", 130, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t)
			person, terminal := process.Terminal(t)
			cmd := process.Command(t, process.Env(server), "-group", "On call", fileOf(t, wanted))
			cmd.Stdin = terminal
			stderr, err := cmd.StderrPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			reader := bufio.NewReader(stderr)
			asked, err := reader.ReadString(']')
			require.NoError(t, err)
			require.NoError(t, test.reply(person, cmd.Process))
			var rest strings.Builder
			_, err = reader.WriteTo(&rest)
			require.NoError(t, err)
			require.Equal(t, question+test.stderr, asked+rest.String())
			_ = cmd.Wait()
			require.Equal(t, test.code, cmd.ProcessState.ExitCode())
			require.Len(t, writes(server), test.writes)
		})
	}
}

// typed returns a function that types text on the terminal.
func typed(text string) func(*os.File, *os.Process) error {
	return func(person *os.File, _ *os.Process) error {
		_, err := person.WriteString(text)
		return err
	}
}

// A character device that is not a terminal may return a "y" by chance.
func TestDoesNotAskOtherDevices(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	for _, name := range []string{"/dev/zero", "/dev/full", "/dev/urandom"} {
		device, err := os.Open(name)
		require.NoError(t, err)
		cmd := process.Command(t, process.Env(server), "-group", "On call", fileOf(t, wanted))
		var stderr strings.Builder
		cmd.Stdin, cmd.Stderr = device, &stderr
		require.Error(t, cmd.Run())
		require.Equal(t, noTerminal, stderr.String())
		require.NoError(t, device.Close())
	}
	require.Equal(t, []string{}, writes(server))
}

// The standard input of a scheduled job is often the null device.
func TestDoesNotAskNullDevice(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	cmd := process.Command(t, process.Env(server), "-group", "On call", fileOf(t, wanted))
	var stderr strings.Builder
	cmd.Stderr = &stderr // a nil Stdin is the null device
	require.Error(t, cmd.Run())
	require.Equal(t, 3, cmd.ProcessState.ExitCode())
	require.Equal(t, noTerminal, stderr.String())
	require.Equal(t, []string{}, writes(server))
}

// An interrupt ends the program also while it waits for the addresses.
func TestInterruptWhileReadingAddresses(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	fifo := filepath.Join(t.TempDir(), "members")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	for _, path := range []string{"-", fifo} {
		cmd := process.Command(t, process.Env(server), "-group", "On call", "-yes", path)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		input, err := cmd.StdinPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		if path == fifo {
			file, err := os.OpenFile(fifo, os.O_WRONLY, 0) // waits for the program
			require.NoError(t, err)
			defer file.Close()
			input = file
		}
		// The program reads, since a pipe does not hold this much.
		_, err = io.WriteString(input, strings.Repeat("# nobody\n", 1<<17))
		require.NoError(t, err)
		require.NoError(t, cmd.Process.Signal(os.Interrupt))
		_ = cmd.Wait()
		require.Equal(t, 130, cmd.ProcessState.ExitCode())
		require.Equal(t, "sync-group: interrupted\n", stderr.String())
	}
	require.Empty(t, server.Requests())
}
