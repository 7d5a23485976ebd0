// Package process runs an example program in a separate process for tests.
package process

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/apono-go/apono/aponotest"
	"github.com/stretchr/testify/require"
)

const isProgram = "EXAMPLE_TEST_MAIN"

// dispositions are the signals that programs must not ignore, also if the tests run under
// nohup or in the background of a script.
var dispositions = []os.Signal{os.Interrupt}

// Main implements TestMain. It runs the tests, or main if [Command] started the
// test binary.
func Main(m *testing.M, main func()) {
	if os.Getenv(isProgram) != "" {
		main()
		os.Exit(0)
	}
	for _, sig := range dispositions {
		if signal.Ignored(sig) { // programs inherit that, but not a handler
			signal.Notify(make(chan os.Signal, 1), sig)
		}
	}
	os.Exit(m.Run())
}

// Result is the output and exit code of a process.
type Result struct {
	Stdout, Stderr string
	Code           int
}

// Run runs the program with empty standard input and with env, which may be nil,
// as its environment.
func Run(tb testing.TB, env []string, args ...string) Result {
	tb.Helper()
	return RunWith(tb, "", env, args...)
}

// Help returns the program's output for -h. It checks that the output is on standard
// output, has variables, examples and exit codes, and has no line longer than 80 columns.
func Help(tb testing.TB) string {
	tb.Helper()
	result := Run(tb, nil, "-h")
	require.Zero(tb, result.Code)
	require.Empty(tb, result.Stderr)
	require.Regexp(tb, `\n\nExamples:\n(  .*\n){2,}\nExit codes:\n  0    .*\n  1    .*\n  2    (.*\n  3    )?.*\n  130  .*\n  141  .*\n$`, result.Stdout)
	if strings.Contains(result.Stdout, "\n  -demo\n") {
		require.Contains(tb, result.Stdout, "\nEnvironment:\n  APONO_")
	}
	for line := range strings.Lines(result.Stdout) {
		require.LessOrEqual(tb, utf8.RuneCountInString(line), 80+1, "line of -h is longer than 80 columns: %s", line)
	}
	return result.Stdout
}

// NeedsToken checks that the program, with args, exits with code 2 if it has no token, and
// if it has both -demo and a token.
func NeedsToken(tb testing.TB, args ...string) {
	tb.Helper()
	server := aponotest.NewServer(tb)
	for _, env := range [][]string{
		nil, {"APONO_TOKEN=", "APONO_PERSONAL_TOKEN="}, {"APONO_ENDPOINT=" + server.URL}, {"APONO_TOKEN=", "APONO_ENDPOINT=" + server.URL},
	} {
		result := Run(tb, env, args...)
		require.Equal(tb, 2, result.Code, "%v: %s", env, result.Stderr)
		require.Empty(tb, result.Stdout)
		require.Contains(tb, result.Stderr, ": no token: set APONO_TOKEN, or use -demo for demo data; see -h\n")
	}
	for _, name := range []string{"APONO_TOKEN", "APONO_PERSONAL_TOKEN", "APONO_TOKEN_FILE"} {
		result := Run(tb, []string{name + "=t", "APONO_ENDPOINT=" + server.URL}, append([]string{"-demo"}, args...)...)
		require.Equal(tb, 2, result.Code, result.Stderr)
		require.Empty(tb, result.Stdout)
		require.Contains(tb, result.Stderr, ": -demo cannot be used with "+name+": unset it, or leave out -demo; see -h\n")
	}
	require.Empty(tb, server.Requests())
}

// FullOutput checks that the program, with args, exits with code 1 and says why if its
// output cannot be written.
func FullOutput(tb testing.TB, env []string, args ...string) {
	tb.Helper()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		return // not this system
	}
	defer func() { _ = full.Close() }()
	cmd := Command(tb, env, args...)
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = full, &stderr
	require.Error(tb, cmd.Run())
	require.Equal(tb, 1, cmd.ProcessState.ExitCode(), stderr.String())
	require.Contains(tb, stderr.String(), ": write /dev/stdout: no space left on device\n")
}

// RunWith is like [Run] with stdin as the standard input.
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

// Command returns a command that runs the program, for tests that interact with
// it while it runs.
func Command(tb testing.TB, env []string, args ...string) *exec.Cmd {
	tb.Helper()
	self, err := os.Executable()
	require.NoError(tb, err)
	cmd := exec.CommandContext(tb.Context(), self, args...) //nolint:gosec // the test binary
	cmd.Env = append([]string{isProgram + "=1"}, env...)
	return cmd
}

// Env returns an environment with the address and the token of server.
func Env(server *aponotest.Server) []string {
	return []string{"APONO_TOKEN=" + server.Token, "APONO_ENDPOINT=" + server.URL}
}

// Behind returns an environment like [Env], in which step sees each request before server
// does. If step returns true, it has responded.
func Behind(tb testing.TB, server *aponotest.Server, step func(w http.ResponseWriter, r *http.Request) bool) []string {
	tb.Helper()
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !step(w, r) {
			server.ServeHTTP(w, r)
		}
	}))
	tb.Cleanup(front.Close)
	return []string{"APONO_TOKEN=" + server.Token, "APONO_ENDPOINT=" + front.URL}
}

// StopDuringCall starts a program and sends it a signal during a call: when arrived is
// closed. It requires that the program waits for the call, which ends when release is
// closed, and then exits with code 130. It returns what the program writes to standard
// error after that.
func StopDuringCall(tb testing.TB, cmd *exec.Cmd, sig os.Signal, arrived <-chan struct{}, release chan<- struct{}) (stderr string) {
	tb.Helper()
	pipe, err := cmd.StderrPipe()
	require.NoError(tb, err)
	require.NoError(tb, cmd.Start())
	<-arrived
	require.NoError(tb, cmd.Process.Signal(sig))
	reader := bufio.NewReader(pipe)
	line, err := reader.ReadString('\n')
	require.NoError(tb, err)
	require.Equal(tb, "Stopping: waiting for the calls that are running.\n", line)
	close(release)
	rest, err := io.ReadAll(reader)
	require.NoError(tb, err)
	_ = cmd.Wait()
	require.Equal(tb, 130, cmd.ProcessState.ExitCode())
	return string(rest)
}
