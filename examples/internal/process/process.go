// Package process runs an example program in a process of its own, for the
// program's tests.
package process

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/apono-go/apono/aponotest"
	"github.com/stretchr/testify/require"
)

const isProgram = "EXAMPLE_TEST_MAIN"

// Main is for TestMain: it lets the test binary be the program itself.
func Main(m *testing.M, main func()) {
	if os.Getenv(isProgram) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// Result is what became of a process.
type Result struct {
	Stdout, Stderr string
	Code           int
}

// Run runs the program with nothing in its environment but env, which may be
// nil, and with nothing to read.
func Run(tb testing.TB, env []string, args ...string) Result {
	tb.Helper()
	return RunWith(tb, "", env, args...)
}

// Help returns what the program says when asked for help. People pipe it into a
// pager, and scripts rely on the exit codes that it names.
func Help(tb testing.TB) string {
	tb.Helper()
	result := Run(tb, nil, "-h")
	require.Zero(tb, result.Code)
	require.Empty(tb, result.Stderr)
	require.Contains(tb, result.Stdout, "Exit codes: 0 done, or the same; 1 failed; 2 wrong use; 3 different;\n130 interrupted.\n")
	for line := range strings.Lines(result.Stdout) {
		require.LessOrEqual(tb, utf8.RuneCountInString(line), 80+1, "a line fits a terminal: %s", line)
	}
	return result.Stdout
}

// RunWith is Run with something to read.
func RunWith(tb testing.TB, stdin string, env []string, args ...string) Result {
	tb.Helper()
	cmd := Command(tb, env, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		tb.Fatal(err)
	}
	return Result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// Command is the program, for tests that talk to it while it runs.
func Command(tb testing.TB, env []string, args ...string) *exec.Cmd {
	tb.Helper()
	self, err := os.Executable()
	require.NoError(tb, err)
	cmd := exec.CommandContext(tb.Context(), self, args...) //nolint:gosec // the test binary itself
	cmd.Env = append([]string{isProgram + "=1"}, env...)
	return cmd
}

// Env is the environment of somebody who has a token for a server.
func Env(server *aponotest.Server) []string {
	return []string{"APONO_TOKEN=" + server.Token, "APONO_ENDPOINT=" + server.URL}
}
