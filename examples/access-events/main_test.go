package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/apono-go/apono/examples/internal/process"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { process.Main(m, main) }

const value = "Bearer made-up"

// received is a running program.
type received struct {
	cmd    *exec.Cmd
	stdout *bufio.Reader
	url    string
}

func start(t *testing.T, env []string, args ...string) *received {
	t.Helper()
	r := &received{cmd: process.Command(t, env, append([]string{"-listen", "127.0.0.1:0"}, args...)...)}
	stdout, err := r.cmd.StdoutPipe()
	require.NoError(t, err)
	stderr, err := r.cmd.StderrPipe()
	require.NoError(t, err)
	r.stdout = bufio.NewReader(stdout)
	require.NoError(t, r.cmd.Start())
	t.Cleanup(func() { _ = r.cmd.Process.Kill(); _ = r.cmd.Wait() })
	first, err := bufio.NewReader(stderr).ReadString('\n')
	require.NoError(t, err)
	found := regexp.MustCompile(`^Listening on (\S+)\. Press Ctrl-C to stop\.\n$`).FindStringSubmatch(first)
	require.NotNil(t, found, first)
	r.url = "http://" + found[1]
	return r
}

func (r *received) send(t *testing.T, value, body string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Authorization", value)
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}

func (r *received) line(t *testing.T) string {
	t.Helper()
	text, err := r.stdout.ReadString('\n')
	require.NoError(t, err)
	return text
}

const (
	approved = `{"event_type": "AccessRequestApproved", "event_time": 1696263265.5, "data": {"id": "1", "friendly_id": "AR-1", "requester": {"email": "ben@example.com"},
		"access_bundle": {"id": "b", "name": "Orders"}, "justification": "two\nlines\u001b[2J", "approvals": [{"status": "APPROVED", "approver": {"email": "ada@example.com"}}]}}`
	audit = `{"event_time": "169626326%d", "data": {"action": "UPDATE", "actor_id": "ada@example.com", "target_id": "f1", "target_type": "Access flow", "target_name": "On call", "new": 1.50}}`
)

func TestPrintsEventsAndStopsAtAnInterrupt(t *testing.T) {
	t.Parallel()
	r := start(t, []string{variable + "=" + value})
	require.Equal(t, 401, r.send(t, "Bearer wrong", approved))
	require.Equal(t, 204, r.send(t, value, approved))
	require.Equal(t, 204, r.send(t, value, approved)) // a duplicate
	require.Equal(t, 204, r.send(t, value, fmt.Sprintf(audit, 1)))
	require.Equal(t, `2023-10-02T16:14:25Z  AccessRequestApproved  AR-1  ben@example.com  Orders  APPROVED by ada@example.com  "two\nlines\x1b[2J"`+"\n", r.line(t))
	require.Equal(t, "2023-10-02T16:14:21Z  UPDATE  Access flow  On call  by ada@example.com\n", r.line(t))
	require.NoError(t, r.cmd.Process.Signal(os.Interrupt))
	rest, err := io.ReadAll(r.stdout)
	require.NoError(t, err)
	require.Empty(t, rest)
	require.NoError(t, r.cmd.Wait())
}

func TestJSON(t *testing.T) {
	t.Parallel()
	r := start(t, []string{variable + "=" + value}, "-json")
	require.Equal(t, 204, r.send(t, value, fmt.Sprintf(audit, 1)))
	require.JSONEq(t, `{"event_time": "2023-10-02T16:14:21Z", "data": {"action": "UPDATE", "actor_id": "ada@example.com",
		"target_id": "f1", "target_type": "Access flow", "target_name": "On call", "new": 1.50}}`, r.line(t))
}

// What was confirmed is in the file after a kill, and a line that was cut off is not.
func TestAuditFileSurvivesAKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	for round := range 3 {
		r := start(t, []string{variable + "=" + value}, "-audit", path)
		require.Equal(t, 204, r.send(t, value, fmt.Sprintf(audit, round)))
		require.Equal(t, 204, r.send(t, value, strings.Replace(approved, "5.5", fmt.Sprint("5.", round), 1))) // not kept
		second := process.Run(t, []string{variable + "=" + value}, "-listen", "127.0.0.1:0", "-audit", path)
		require.Equal(t, 1, second.Code)
		require.Contains(t, second.Stderr, "is in use by another process")
		require.NoError(t, r.cmd.Process.Kill())
		_ = r.cmd.Wait()
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		lines := bytes.Split(bytes.TrimSuffix(content, []byte("\n")), []byte("\n"))
		require.Len(t, lines, round+1)
		for i, text := range lines {
			var event struct {
				At string `json:"event_time"`
			}
			require.NoError(t, json.Unmarshal(text, &event))
			require.Equal(t, fmt.Sprintf("2023-10-02T16:14:2%dZ", i), event.At)
		}
		file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		require.NoError(t, err)
		_, err = file.WriteString(`{"half": "` + strings.Repeat("x", 100_000*round))
		require.NoError(t, err)
		require.NoError(t, file.Close())
	}
}

func TestFailedAppendLeavesTheFileUnchanged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j, err := openJournal(path)
	require.NoError(t, err)
	defer j.Close()
	require.NoError(t, j.append([]byte("1")))
	writable := j.file
	j.file, err = os.Open(path) // cannot be written
	require.NoError(t, err)
	require.Error(t, j.append([]byte("2")))
	require.NoError(t, j.file.Close())
	j.file = writable
	require.NoError(t, j.append([]byte("3")))
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "1\n3\n", string(content))
}

func TestDemo(t *testing.T) {
	t.Parallel()
	r := start(t, nil, "-demo")
	var lines string
	for range 7 {
		lines += r.line(t)
	}
	for _, want := range []string{
		`  AccessRequestCreated  AR-\d+  Token owner  Orders on-call  PENDING by ada.orders@example.com  "Incident 4711"`,
		`  UPDATE  Access flow  Staging for everybody  by token-owner@example.com`,
		`  AccessRequestApproved  `, `  AccessRequestGranted  `, `  AccessRequestExpired  `,
	} {
		require.Regexp(t, want, lines)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	help := process.Help(t)
	for _, text := range []string{"HTTPS", "TLS ends in front of it", variable, "-audit", "-demo"} {
		require.Contains(t, help, text)
	}
	result := process.Run(t, nil)
	require.Equal(t, 2, result.Code)
	require.Contains(t, result.Stderr, "no value of the header: set "+variable)
	result = process.Run(t, []string{variable + "=x"}, "-demo")
	require.Equal(t, 2, result.Code)
	require.Equal(t, 2, process.Run(t, []string{variable + "=x"}, "-header", "").Code)
}
