package program_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/process"
	"github.com/stretchr/testify/require"
)

// Progress shows what is read after a second, and is cleared before data.
func TestProgress(t *testing.T) {
	t.Parallel()
	env := slow(t, aponotest.Fault{After: 1, Latency: 1500 * time.Millisecond})
	shown, code := process.RunOnTerminal(t, 80, env, "-list")
	require.Zero(t, code)
	require.Equal(t, "group one\nReading groups (2 requests)\r\x1b[Kgroup two\ngroup three\n", shown)

	shown, code = process.RunOnTerminal(t, 80, slow(t, aponotest.Fault{After: 1, Latency: 400 * time.Millisecond}), "-list")
	require.Zero(t, code)
	require.Equal(t, "group one\ngroup two\ngroup three\n", shown)

	env = slow(t, aponotest.Fault{After: 1, Latency: 1500 * time.Millisecond})
	shown, code = process.RunOnTerminal(t, 20, env, "-list")
	require.Zero(t, code)
	require.Contains(t, shown, "\nReading groups (2 …\r\x1b[K")

	shown, code = process.RunOnTerminal(t, 80, append(slow(t, aponotest.Fault{After: 1, Latency: 1500 * time.Millisecond}), "TERM=dumb"), "-list")
	require.Zero(t, code)
	require.Equal(t, "group one\ngroup two\ngroup three\n", shown)
}

// Waits before a retry are shown with their reason.
func TestProgressOfRetries(t *testing.T) {
	t.Parallel()
	shown, code := process.RunOnTerminal(t, 80, slow(t, aponotest.Fault{Status: 503}), "-list")
	require.Zero(t, code)
	require.Contains(t, shown, "Reading groups (1 request); waiting to retry, 1 s: 503 Service Unavailable")
	require.True(t, strings.HasSuffix(shown, "\r\x1b[Kgroup one\ngroup two\ngroup three\n"), "%q", shown)

	shown, code = process.RunOnTerminal(t, 200, []string{"APONO_TOKEN=token-0", "APONO_ENDPOINT=http://127.0.0.1:1"}, "-list")
	require.Equal(t, 1, code)
	require.Contains(t, shown, "waiting to retry, 1 s: dial tcp 127.0.0.1:1: connect: connection refused")
}

// An interrupt ends a program that reads a terminal or a FIFO, or opens a FIFO for output.
func TestInterruptWhileReading(t *testing.T) {
	t.Parallel()
	fifo := t.TempDir() + "/fifo"
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	_, terminal := process.Terminal(t)
	for _, args := range [][]string{{"-in", fifo}, {"-in", "-"}, {"-o", fifo}} {
		cmd := process.Command(t, nil, append([]string{"-lines", "1"}, args...)...)
		if args[1] == "-" {
			cmd.Stdin = terminal
		}
		stdout, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		_, err = stdout.Read(make([]byte, 100)) // the handler of signals is set
		require.NoError(t, err)
		require.NoError(t, cmd.Process.Signal(os.Interrupt))
		_ = cmd.Wait()
		require.Equal(t, 130, cmd.ProcessState.ExitCode(), args)
	}
}

// write runs the program with -o.
func write(t *testing.T, path string) process.Result {
	t.Helper()
	return process.RunWith(t, "new\n", nil, "-o", path)
}

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(data)
}

// A file that is written keeps its mode, its owner and the links to it.
func TestOutputFile(t *testing.T) {
	t.Parallel()
	opened := process.Result{Stderr: "opened\n"}
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"plain", "hard", "target"} {
		require.NoError(t, os.WriteFile(path(name), []byte("a longer old content\n"), 0o600))
		require.NoError(t, os.Chmod(path(name), 0o640))
	}
	if os.Getuid() == 0 {
		require.NoError(t, os.Chown(path("plain"), 1234, 5678))
	}
	require.NoError(t, os.Link(path("hard"), path("hard2")))
	require.NoError(t, os.Symlink("target", path("link")))
	require.NoError(t, os.Symlink("link", path("link2")))
	require.NoError(t, os.Symlink("missing", path("dangling")))
	for _, name := range []string{"plain", "hard", "link2", "dangling", "fresh"} {
		require.Equal(t, opened, write(t, path(name)), name)
		require.Equal(t, "new\n", content(t, path(name)), name)
	}
	require.Equal(t, "new\n", content(t, path("hard2")))
	require.Equal(t, "new\n", content(t, path("target")))
	require.Equal(t, "new\n", content(t, path("missing")))
	for _, name := range []string{"link", "link2", "dangling"} {
		info, err := os.Lstat(path(name))
		require.NoError(t, err)
		require.NotZero(t, info.Mode()&os.ModeSymlink, name)
	}
	info, err := os.Stat(path("plain"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), info.Mode())
	if stat := info.Sys().(*syscall.Stat_t); os.Getuid() == 0 {
		require.Equal(t, [2]uint32{1234, 5678}, [2]uint32{stat.Uid, stat.Gid})
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 9, "temporary files or locks are left")
}

// What the shell appends to keeps what it has.
func TestOutputToStandardStream(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "all")
	stdout := path + ".stdout" // as /dev/stdout, which a failure could replace
	require.NoError(t, os.Symlink("/proc/self/fd/1", stdout))
	for _, name := range []string{stdout, "/dev/fd/1", "/proc/self/fd/1"} {
		require.NoError(t, os.WriteFile(path, []byte("old\n"), 0o600))
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		require.NoError(t, err)
		cmd := process.Command(t, nil, "-o", name)
		cmd.Stdin, cmd.Stdout = strings.NewReader("new\n"), file
		require.NoError(t, cmd.Run())
		require.NoError(t, file.Close())
		require.Equal(t, "old\nnew\n", content(t, path), name)
	}
}

// A mount point cannot be replaced by a rename.
func TestOutputToMountPoint(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, mount := filepath.Join(dir, "file"), filepath.Join(dir, "mount")
	for _, name := range []string{file, mount} {
		require.NoError(t, os.WriteFile(name, []byte("a longer old content\n"), 0o600))
	}
	if err := syscall.Mount(file, mount, "", syscall.MS_BIND, ""); err != nil {
		t.Skipf("cannot mount: %v", err)
	}
	defer func() { require.NoError(t, syscall.Unmount(mount, 0)) }()
	require.Equal(t, process.Result{Stderr: "opened\n"}, write(t, mount))
	require.Equal(t, "new\n", content(t, file))
}

// A second run on the same file is rejected while the first one runs, and not after it was
// killed.
func TestOutputIsLocked(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "out")
	first := process.Command(t, nil, "-o", path, "-wait")
	first.Stdin = strings.NewReader("first\n")
	stderr, err := first.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, first.Start())
	_, err = stderr.Read(make([]byte, 100)) // opened
	require.NoError(t, err)
	require.Equal(t, process.Result{Stderr: "try: " + path + " is in use by another process\n", Code: 1}, write(t, path))
	require.NoFileExists(t, path)
	require.NoError(t, first.Process.Kill())
	_ = first.Wait()
	require.NoFileExists(t, path)
	require.Equal(t, process.Result{Stderr: "opened\n"}, write(t, path))
	require.Equal(t, "new\n", content(t, path))
}
