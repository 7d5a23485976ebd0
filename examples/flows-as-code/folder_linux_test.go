package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/process"
	"github.com/stretchr/testify/require"
)

// An export that is killed leaves the folder as it was, complete, or refused.
func TestKilledExportIsRefusedOrUnseen(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	for i := range 300 {
		server.Put(aponotest.Scopes, apono.AccessScope{ID: fmt.Sprintf("s%03d", i), Name: fmt.Sprintf("scope %03d", i), Query: "q"})
	}
	kill := func(dir string, when func() bool) {
		cmd := process.Command(t, process.Env(server), "export", dir)
		require.NoError(t, cmd.Start())
		ended := make(chan struct{})
		go func() {
			_ = cmd.Wait()
			close(ended)
		}()
		for !when() {
			select {
			case <-ended:
				return
			default:
			}
		}
		_ = cmd.Process.Kill()
		<-ended
	}
	exists := func(path ...string) bool {
		_, err := os.Stat(filepath.Join(path...))
		return err == nil
	}

	// Killed before all files are written: nothing is seen of them.
	dir := exported(t, server)
	old := read(t, dir, "scopes/scope 000.json")
	for i := range 300 {
		server.Put(aponotest.Scopes, apono.AccessScope{ID: fmt.Sprintf("s%03d", i), Name: fmt.Sprintf("scope %03d", i), Query: "other"})
	}
	kill(dir, func() bool { return exists(dir, draft, "scopes") })
	if !exists(dir, unfinished) {
		require.Equal(t, old, read(t, dir, "scopes/scope 000.json"))
	}

	// Killed while the files are moved: the folder is refused until an export finishes.
	refused := false
	for range 20 {
		dir := filepath.Join(t.TempDir(), "access")
		kill(dir, func() bool { return exists(dir, unfinished) })
		if !exists(dir, unfinished) { // it was too fast
			continue
		}
		refused = true
		for _, args := range [][]string{{"diff", dir}, {"diff", "-delete", dir}, {"apply", "-delete", "-yes", dir}} {
			require.Equal(t, dir+": the last export did not finish, so files may be missing: export again\n",
				strings.TrimPrefix(fails(t, server, args...), "flows-as-code: "))
		}
		stdout, _ := runs(t, server, "export", dir)
		require.Equal(t, "300 objects exported, 0 old files removed\n", stdout)
		require.Len(t, tree(t, dir), 300)
		runs(t, server, "diff", dir, "-delete")
		break
	}
	require.True(t, refused, "no export was killed while it moved files")
}

// Two runs on a folder at the same time would read what the other one writes.
func TestSecondRunOnFolderIsRefused(t *testing.T) {
	t.Parallel()
	server, dir := exportedDemo(t)
	edit(t, `"require_mfa": false`, `"require_mfa": true`, dir, "flows/Break glass.json")
	code, stderr := asked(t, server, dir, func(t *testing.T, person *os.File, cmd *exec.Cmd) {
		t.Helper()
		for _, args := range [][]string{{"export", dir}, {"apply", dir + "/", "-yes"}, {"diff", dir}} {
			require.Contains(t, fails(t, server, args...), "is in use by another ")
		}
		typed("y\n")(t, person, cmd)
	})
	require.Zero(t, code, stderr)
	stdout, _ := runs(t, server, "diff", dir)
	require.Empty(t, stdout)
}

// Opening a FIFO waits for a writer, and an endless file would fill the memory.
func TestOnlyRegularFilesOfSomeSizeAreRead(t *testing.T) {
	t.Parallel()
	server, dir := exportedDemo(t)
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "flows/fifo.json"), 0o600))
	for _, command := range []string{"diff", "apply", "export"} {
		require.Contains(t, fails(t, server, command, dir), "flows/fifo.json: not a regular file\n")
	}
	require.NoError(t, os.Remove(filepath.Join(dir, "flows/fifo.json")))
	write(t, "", dir, "flows/large.json")
	require.NoError(t, os.Truncate(filepath.Join(dir, "flows/large.json"), maxFile+1))
	require.Equal(t, "flows-as-code: flows/large.json: larger than 16 MiB\n", fails(t, server, "diff", dir))
	result := process.Run(t, process.Env(server), "diff", filepath.Join(dir, "flows/Break glass.json"))
	require.Equal(t, 1, result.Code)
}

// The modes of files stay, and so do files that are the same.
func TestExportKeepsModes(t *testing.T) {
	t.Parallel()
	server, dir := exportedDemo(t)
	changed, same := filepath.Join(dir, "flows/Break glass.json"), filepath.Join(dir, "flows/Support shift.json")
	require.NoError(t, os.Chmod(changed, 0o640))
	before, err := os.Stat(same)
	require.NoError(t, err)
	edit(t, `"require_mfa": false`, `"require_mfa": true`, changed)
	runs(t, server, "export", dir)
	info, err := os.Stat(changed)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), info.Mode())
	after, err := os.Stat(same)
	require.NoError(t, err)
	require.True(t, os.SameFile(before, after), "the file was written again")
}

// The changes are made whether or not somebody reads what is printed.
func TestApplyWithoutReaderOfOutput(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	dir := scopes(t, 5)
	for name, test := range map[string]struct {
		shell string
		code  int
	}{
		"nobody reads":  {`"$@" | true; exit ${PIPESTATUS[0]}`, 141},
		"no space left": {`"$@" > /dev/full`, 1},
	} {
		for scope, err := range server.Client().Scopes.ListAll(t.Context()) {
			require.NoError(t, err)
			require.NoError(t, server.Client().Scopes.Delete(t.Context(), scope.ID))
		}
		program := process.Command(t, process.Env(server), "apply", dir, "-yes")
		piped := exec.CommandContext(t.Context(), "bash", append([]string{"-c", test.shell, "bash"}, program.Args...)...) //nolint:gosec // the test binary
		piped.Env = program.Env
		_ = piped.Run()
		require.Equal(t, test.code, piped.ProcessState.ExitCode(), name)
		found, err := apono.Collect(server.Client().Scopes.ListAll(t.Context()))
		require.NoError(t, err)
		require.Len(t, found, 5, name)
	}
	program := process.Command(t, process.Env(server), "export", t.TempDir())
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	require.NoError(t, err)
	defer full.Close()
	program.Stdout = full
	_ = program.Run()
	require.Equal(t, 1, program.ProcessState.ExitCode())
}

// The changes are not applied if they could not be shown.
func TestApplyDoesNotAskAboutWhatIsNotShown(t *testing.T) {
	t.Parallel()
	server, dir := exportedDemo(t)
	edit(t, `"require_mfa": false`, `"require_mfa": true`, dir, "flows/Break glass.json")
	person, program := process.Terminal(t)
	_, err := person.WriteString("y\n")
	require.NoError(t, err)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	require.NoError(t, err)
	defer full.Close()
	cmd := process.Command(t, process.Env(server), "apply", dir)
	cmd.Stdin, cmd.Stdout = program, full
	_ = cmd.Run()
	require.Equal(t, 1, cmd.ProcessState.ExitCode())
	require.Empty(t, writes(server))
}

// Control characters in what Apono returns do not reach a terminal.
func TestTerminalGetsNoControlCharacters(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	const evil = "a\x1b[2J\u009b31m\u202eb\rc"
	server.Put(aponotest.Scopes, apono.AccessScope{ID: "s1" + evil, Name: evil, Query: evil})
	dir := exported(t, server)
	write(t, `{"id": "s1a\u001b[2J\u009b31m\u202eb\rc", "object": {"name": "n", "query": "q"}}`, dir, "scopes", tree(t, filepath.Join(dir, "scopes"))[0])
	person, program := process.Terminal(t)
	cmd := process.Command(t, process.Env(server), "diff", dir)
	cmd.Stdout, cmd.Stderr = program, program
	var shown strings.Builder
	done := make(chan struct{})
	go func() {
		defer close(done)
		buffer := make([]byte, 1<<10)
		for !strings.Contains(shown.String(), "to delete") {
			n, err := person.Read(buffer)
			shown.Write(buffer[:n])
			if err != nil {
				return
			}
		}
	}()
	_ = cmd.Run()
	require.Equal(t, 3, cmd.ProcessState.ExitCode())
	<-done
	text := strings.ReplaceAll(shown.String(), "\r\n", "\n")
	require.Contains(t, text, `"query": "a\u001b[2J`)
	require.NotContains(t, text, "\x1b")
	require.NotContains(t, text, "\r")
	require.NotContains(t, text, "\u009b")
	require.NotContains(t, text, "\u202e")
}

// A flow with thousands of values needs little memory.
func TestMemoryOfDiff(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithLooseChecks())
	flow := apono.AccessFlow{
		ID: "f1", Name: "large", Active: true, Trigger: apono.AccessFlowTriggerSelfServe, AccessTargets: []apono.AccessTarget{{QueryTarget: &apono.QueryTarget{Query: "q"}}},
		Requestors: apono.ConditionGroup{LogicalOperator: apono.LogicalOperatorOr, Conditions: []apono.Condition{
			{Type: apono.ConditionTypeUser, MatchOperator: new(apono.MatchOperatorIs), Values: values(12000, 0, 1)},
		}},
		Settings: apono.AccessFlowSettings{Labels: []string{}},
	}
	server.Put(aponotest.AccessFlows, flow)
	dir := exported(t, server)
	flow.Requestors.Conditions[0].Values = values(12000, 0.5, 2)
	server.Put(aponotest.AccessFlows, flow)
	// Maxrss of a process includes the memory of the process that started it.
	result := process.Run(t, append(process.Env(server), "GODEBUG=gctrace=1"), "diff", dir)
	require.Equal(t, 3, result.Code)
	heaps := regexp.MustCompile(`\d+->(\d+)->\d+ MB`).FindAllStringSubmatch(result.Stderr, -1)
	require.NotEmpty(t, heaps)
	for _, heap := range heaps {
		size, err := strconv.Atoi(heap[1])
		require.NoError(t, err)
		require.Less(t, size, 100) // MB; a table of all pairs has 1.2 GB
	}
}
