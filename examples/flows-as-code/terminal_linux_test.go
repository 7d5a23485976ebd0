package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/apono-go/apono/examples/internal/process"
	"github.com/stretchr/testify/require"
)

// What is applied is what a person has seen and agreed to.
func TestApplyAsksAtATerminal(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer func(*testing.T, *os.File, *exec.Cmd)
		code   int
		stderr string
		writes []string
	}{
		"yes":     {typed("y\n"), 0, "Apply? [y/N] ", []string{"PUT /api/admin/v2/access-flows/flow-break-glass"}},
		"no":      {typed("n\n"), 1, "Apply? [y/N] flows-as-code: nothing was changed\n", nil},
		"nothing": {typed("\n"), 1, "Apply? [y/N] flows-as-code: nothing was changed\n", nil},
		"interrupt": {func(t *testing.T, _ *os.File, cmd *exec.Cmd) {
			t.Helper()
			require.NoError(t, cmd.Process.Signal(os.Interrupt))
		}, 130, "Apply? [y/N] \nflows-as-code: interrupted\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := demo(t)
			dir := exported(t, server)
			edit(t, `"require_mfa": false`, `"require_mfa": true`, dir, "flows/Break glass.json")
			person, program := process.Terminal(t)
			cmd := process.Command(t, process.Env(server), "apply", dir)
			cmd.Stdin = program
			asked := &prompt{until: "[y/N] ", seen: make(chan struct{})}
			cmd.Stderr = asked
			require.NoError(t, cmd.Start())
			stuck := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
			defer stuck.Stop()
			<-asked.seen
			test.answer(t, person, cmd)
			_ = cmd.Wait()
			require.Equal(t, test.code, cmd.ProcessState.ExitCode())
			require.Equal(t, test.stderr, asked.String())
			require.Equal(t, test.writes, writes(server))
		})
	}
}

func typed(answer string) func(*testing.T, *os.File, *exec.Cmd) {
	return func(t *testing.T, person *os.File, _ *exec.Cmd) {
		t.Helper()
		_, err := person.WriteString(answer)
		require.NoError(t, err)
	}
}

// prompt closes seen when a text has been written to it.
type prompt struct {
	strings.Builder
	until string
	seen  chan struct{}
}

func (p *prompt) Write(data []byte) (int, error) {
	before := strings.Contains(p.String(), p.until)
	n, err := p.Builder.Write(data)
	if !before && strings.Contains(p.String(), p.until) {
		close(p.seen)
	}
	return n, err
}
