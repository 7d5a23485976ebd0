package program_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/process"
	"github.com/apono-go/apono/examples/internal/program"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { process.Main(m, func() { program.Main("try", run) }) }

// run does what the flags say, in this order.
func run(ctx context.Context, p *program.Program) error {
	lines := p.Flags.Int("lines", 0, "write this `number` of lines to each stream")
	child := p.Flags.String("child", "", "run this shell `command`")
	input := p.Flags.String("in", "", "print the size of this `file`")
	output := p.Flags.String("o", "", "write standard input to this `file`")
	wait := p.Flags.Bool("wait", false, "wait for an interrupt before the output is written")
	list := p.Flags.Bool("list", false, "list groups and print each")
	mark := p.Flags.String("mark", "", "create this `file` at the end")
	fail := p.Flags.String("fail", "", "fail at the end: error, different or 7")
	if err := p.Parse("Tries the package."); err != nil {
		return err
	}
	for i := range *lines {
		fmt.Fprintln(p.Stdout, "line", i)
		fmt.Fprintln(p.Stderr, "message", i)
	}
	if *child != "" {
		cmd := exec.CommandContext(ctx, "/bin/sh", "-c", *child)
		cmd.Stdout = os.Stderr
		fmt.Fprintln(p.Stderr, "child:", cmd.Run())
	}
	if *input != "" {
		data, err := p.ReadFile(ctx, *input, 100)
		if err != nil {
			return err
		}
		fmt.Fprintln(p.Stdout, len(data))
	}
	if *output != "" {
		data, err := p.ReadFile(ctx, "-", 1<<20)
		if err != nil {
			return err
		}
		file, err := p.Create(ctx, *output)
		if err != nil {
			return err
		}
		fmt.Fprintln(p.Stderr, "opened")
		if *wait {
			<-ctx.Done()
		}
		if _, err := file.Write(data); err != nil {
			return errors.Join(err, file.Discard())
		}
		if err := file.Commit(); err != nil {
			return err
		}
	}
	if *list {
		client, disconnect, err := p.Connect(nil, apono.WithRetryPolicy(apono.RetryPolicy{MinWait: 2 * time.Second, MaxWait: 2 * time.Second}))
		if err != nil {
			return err
		}
		defer disconnect()
		for group, err := range client.Groups.ListAll(ctx) {
			if err != nil {
				return err
			}
			fmt.Fprintln(p.Stdout, "group", group.Name)
		}
	}
	if *mark != "" {
		if err := os.WriteFile(*mark, nil, 0o600); err != nil {
			return err
		}
	}
	switch *fail {
	case "error":
		return errors.New("no luck")
	case "different":
		return program.ErrDifferent
	case "7":
		return program.ExitCode(7)
	}
	return nil
}

// A program whose output nobody reads finishes its work. Its own failure matters more
// than the output.
func TestNobodyReads(t *testing.T) {
	t.Parallel()
	for fail, code := range map[string]int{"": 141, "different": 141, "error": 1, "7": 7} {
		for _, both := range []bool{true, false} {
			mark := t.TempDir() + "/mark"
			cmd := process.Command(t, nil, "-lines", "1000", "-mark", mark, "-fail", fail)
			reader, writer, err := os.Pipe()
			require.NoError(t, err)
			require.NoError(t, reader.Close())
			if cmd.Stdout = writer; both {
				cmd.Stderr = writer
			}
			require.Error(t, cmd.Run())
			require.Equal(t, code, cmd.ProcessState.ExitCode(), "%s: %s", fail, cmd.ProcessState)
			require.FileExists(t, mark)
			require.NoError(t, writer.Close())
		}
	}
}

// Commands that a program starts are ended by SIGPIPE as usual.
func TestCommandDoesNotIgnoreSIGPIPE(t *testing.T) {
	t.Parallel()
	require.Equal(t, "child: signal: broken pipe\n", process.Run(t, nil, "-child", "kill -PIPE $$; echo alive").Stderr)
}

func TestFullOutput(t *testing.T) {
	t.Parallel()
	for fail, code := range map[string]int{"": 1, "different": 1, "error": 1, "7": 7} {
		mark := t.TempDir() + "/mark"
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		require.NoError(t, err)
		cmd := process.Command(t, nil, "-lines", "1", "-mark", mark, "-fail", fail)
		var stderr strings.Builder
		cmd.Stdout, cmd.Stderr = full, &stderr
		require.Error(t, cmd.Run())
		require.NoError(t, full.Close())
		require.Equal(t, code, cmd.ProcessState.ExitCode())
		require.FileExists(t, mark)
		require.Equal(t, map[string]string{
			"": "try: write /dev/stdout: no space left on device\n", "different": "try: write /dev/stdout: no space left on device\n",
			"error": "try: no luck\n", "7": "",
		}[fail], strings.TrimPrefix(stderr.String(), "message 0\n"))
		require.Equal(t, 1, func() int {
			cmd := process.Command(t, nil, "-lines", "1")
			cmd.Stderr, _ = os.OpenFile("/dev/full", os.O_WRONLY, 0)
			_ = cmd.Run()
			return cmd.ProcessState.ExitCode()
		}())
	}
}

func TestInputHasLimit(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/in"
	require.NoError(t, os.WriteFile(path, make([]byte, 100), 0o600))
	require.Equal(t, process.Result{Stdout: "100\n"}, process.Run(t, nil, "-in", path))
	require.NoError(t, os.WriteFile(path, make([]byte, 101), 0o600))
	require.Equal(t, process.Result{Stderr: "try: " + path + " has more than 100 bytes\n", Code: 1}, process.Run(t, nil, "-in", path))
	require.Equal(t, process.Result{Stderr: "try: /dev/zero has more than 100 bytes\n", Code: 1}, process.Run(t, nil, "-in", "/dev/zero"))
	require.Equal(t, process.Result{Stderr: "try: standard input has more than 100 bytes\n", Code: 1},
		process.RunWith(t, strings.Repeat("x", 101), nil, "-in", "-"))
}

// Usage has the variables, the examples and the program's own exit codes.
func TestUsage(t *testing.T) {
	t.Parallel()
	stdout := process.Run(t, nil, "-h").Stdout
	for _, part := range []string{"  -demo\n", "\nEnvironment:\n  APONO_TOKEN  ", "  APONO_PERSONAL_TOKEN  ", "  APONO_TOKEN_FILE  ", "  APONO_ENDPOINT  ", "\nExamples:\n", "\n  141  nobody reads the output\n"} {
		require.Contains(t, stdout, part)
	}
}

// slow returns an environment with a server that responds slowly.
func slow(t *testing.T, faults ...aponotest.Fault) []string {
	t.Helper()
	server := aponotest.NewServer(t, aponotest.WithPageSize(1))
	server.Put(aponotest.Groups, apono.Group{ID: "g1", Name: "one"}, apono.Group{ID: "g2", Name: "two"}, apono.Group{ID: "g3", Name: "three"})
	for _, fault := range faults {
		server.FaultNext("Groups.List", 1, fault)
	}
	return process.Env(server)
}
