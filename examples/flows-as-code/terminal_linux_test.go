package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/process"
	"github.com/stretchr/testify/require"
)

func TestApplyAsksOnTerminal(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		reply  func(*testing.T, *os.File, *exec.Cmd)
		code   int
		stderr string
		writes []string
	}{
		"yes":     {typed("y\n"), 0, "Apply? [y/N] ", []string{"PUT /api/admin/v2/access-flows/flow-break-glass"}},
		"no":      {typed("n\n"), 3, "Apply? [y/N] Nothing was changed.\n", nil},
		"nothing": {typed("\n"), 3, "Apply? [y/N] Nothing was changed.\n", nil},
		"interrupt": {func(t *testing.T, _ *os.File, cmd *exec.Cmd) {
			t.Helper()
			require.NoError(t, cmd.Process.Signal(os.Interrupt))
		}, 130, "Apply? [y/N] \nflows-as-code: interrupted\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, dir := exportedDemo(t)
			edit(t, `"require_mfa": false`, `"require_mfa": true`, dir, "flows/Break glass.json")
			code, stderr := asked(t, server, dir, test.reply)
			require.Equal(t, test.code, code)
			require.Equal(t, test.stderr, stderr)
			require.Equal(t, test.writes, writes(server))
		})
	}
}

// asked runs apply on a terminal, calls reply when it asks for confirmation, and
// waits for its end.
func asked(t *testing.T, server *aponotest.Server, dir string, reply func(*testing.T, *os.File, *exec.Cmd), flags ...string) (code int, stderr string) {
	t.Helper()
	person, program := process.Terminal(t)
	cmd := process.Command(t, process.Env(server), append([]string{"apply", dir}, flags...)...)
	cmd.Stdin = program
	question := &prompt{until: "[y/N] ", seen: make(chan struct{})}
	cmd.Stderr = question
	require.NoError(t, cmd.Start())
	stuck := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer stuck.Stop()
	<-question.seen
	reply(t, person, cmd)
	_ = cmd.Wait()
	return cmd.ProcessState.ExitCode(), question.String()
}

// Objects that change during the confirmation are not overwritten.
func TestChangesDuringConfirmationAreKept(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(t *testing.T, server *aponotest.Server)
		stderr string
		writes []string
	}{
		"changed": {func(t *testing.T, server *aponotest.Server) {
			t.Helper()
			client := server.Client()
			flow, err := client.AccessFlows.Get(t.Context(), "flow-break-glass")
			require.NoError(t, err)
			in := flow.UpdateInput()
			in.Description = new("Ask Ada first")
			_, err = client.AccessFlows.Update(t.Context(), flow.ID, in)
			require.NoError(t, err)
		}, `access flow "Break glass" (flows/Break glass.json)`, []string{"PUT /api/admin/v2/access-flows/flow-break-glass"}},
		"deleted": {func(t *testing.T, server *aponotest.Server) {
			t.Helper()
			require.NoError(t, server.Client().AccessFlows.Delete(t.Context(), "flow-break-glass"))
		}, `access flow "Break glass" (flows/Break glass.json)`, []string{"DELETE /api/admin/v2/access-flows/flow-break-glass"}},
		"new": {func(t *testing.T, server *aponotest.Server) {
			t.Helper()
			server.Put(aponotest.Scopes, apono.AccessScope{ID: "s9", Name: "New", Query: "q"})
		}, `access scope "New" (s9)`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, dir := exportedDemo(t)
			edit(t, `"require_mfa": false`, `"require_mfa": true`, dir, "flows/Break glass.json")
			code, stderr := asked(t, server, dir, func(t *testing.T, person *os.File, cmd *exec.Cmd) {
				t.Helper()
				test.change(t, server)
				typed("y\n")(t, person, cmd)
			}, "-delete")
			require.Equal(t, 1, code)
			if name != "new" { // the error names the first outdated change
				require.Contains(t, stderr, "flows-as-code: "+test.stderr+": it changed in the meantime, so nothing was done: run the command again\n")
			} else {
				require.Contains(t, stderr, "it changed in the meantime")
			}
			require.Equal(t, test.writes, writes(server))
		})
	}
}

// An export that fails or is killed leaves no incomplete file, which would make
// later exports fail.
func TestFilesAreWrittenCompletelyOrNotAtAll(t *testing.T) {
	t.Parallel()
	server, dir := exportedDemo(t)
	before := read(t, dir, "flows/Break glass.json")
	client := server.Client()
	flow, err := client.AccessFlows.Get(t.Context(), "flow-break-glass")
	require.NoError(t, err)
	in := flow.UpdateInput()
	in.Description = new(strings.Repeat("long ", 1000))
	_, err = client.AccessFlows.Update(t.Context(), flow.ID, in)
	require.NoError(t, err)

	program := process.Command(t, process.Env(server), "export", dir)
	limited := exec.CommandContext(t.Context(), "/bin/sh", append([]string{"-c", `ulimit -f 4; exec "$@"`, "sh"}, program.Args...)...) //nolint:gosec // the test binary
	limited.Env = program.Env
	require.Error(t, limited.Run(), "the limit allows no file of 5,000 bytes")
	require.Equal(t, before, read(t, dir, "flows/Break glass.json"))
	stdout, _ := runs(t, server, "export", dir)
	require.Equal(t, "32 objects exported, 0 old files removed\n", stdout)

	for _, files := range []int{0, 1, 5, 20} { // number of files before the program is killed
		dir := t.TempDir()
		program := process.Command(t, process.Env(server), "export", dir)
		require.NoError(t, program.Start())
		for written := 0; written < files; {
			found, err := filepath.Glob(filepath.Join(dir, "*", "*.json"))
			require.NoError(t, err)
			written = len(found)
		}
		_ = program.Process.Kill()
		_ = program.Wait()
		for _, name := range tree(t, dir) {
			if filepath.Ext(name) == ".json" {
				require.True(t, json.Valid([]byte(read(t, dir, name))), "incomplete file: "+name)
			}
		}
		stdout, _ := runs(t, server, "export", dir)
		require.Equal(t, "32 objects exported, 0 old files removed\n", stdout)
	}
}

func typed(text string) func(*testing.T, *os.File, *exec.Cmd) {
	return func(t *testing.T, person *os.File, _ *exec.Cmd) {
		t.Helper()
		_, err := person.WriteString(text)
		require.NoError(t, err)
	}
}

// prompt is a buffer that closes seen when it contains until.
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
