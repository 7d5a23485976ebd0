package main

import (
	"bufio"
	"os"
	"strings"
	"testing"

	"github.com/apono-go/apono/examples/internal/process"
	"github.com/stretchr/testify/require"
)

// Who sees the changes decides about them. Ctrl-C at the question has to end
// the program, which nothing else could while it reads.
func TestAsksOnATerminal(t *testing.T) {
	t.Parallel()
	const question = "Make 4 changes to group \"On call\"? [y/N] "
	for _, test := range []struct {
		name   string
		answer func(person *os.File, program *os.Process) error
		stderr string
		code   int
		writes int
	}{
		{"yes", typed("y\n"), "Group \"On call\": 2 added, 2 removed, 0 failed.\n", 0, 4},
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
			require.NoError(t, test.answer(person, cmd.Process))
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

func typed(text string) func(*os.File, *os.Process) error {
	return func(person *os.File, _ *os.Process) error {
		_, err := person.WriteString(text)
		return err
	}
}

// Not every character device is a terminal: nobody answers where random bytes
// come from, and one of them may be a "y".
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
		require.Equal(t, nobody, stderr.String())
		require.NoError(t, device.Close())
	}
	require.Equal(t, []string{}, writes(server))
}

// A scheduled job reads the null device, which is no terminal to ask on.
func TestDoesNotAskTheNullDevice(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	cmd := process.Command(t, process.Env(server), "-group", "On call", fileOf(t, wanted))
	var stderr strings.Builder
	cmd.Stderr = &stderr // no Stdin is the null device
	require.Error(t, cmd.Run())
	require.Equal(t, 3, cmd.ProcessState.ExitCode())
	require.Equal(t, nobody, stderr.String())
	require.Equal(t, []string{}, writes(server))
}
