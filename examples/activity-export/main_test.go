package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/process"
	"github.com/apono-go/apono/examples/internal/program"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { process.Main(m, main) }

const demo = "Using a fake server with demo data.\n"

// noPagination is the advice in an error about a server without pagination.
const noPagination = "; the API does not document pagination of activity: " +
	"export shorter periods in the past without -limit, and start over without the checkpoint\n"

// serve starts a server and returns an environment for it.
func serve(t *testing.T, handler http.HandlerFunc) (env []string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return []string{"APONO_TOKEN=token", "APONO_ENDPOINT=" + server.URL}
}

// respond returns a handler that responds to every request with page.
func respond(page string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, page) }
}

// queries returns the queries of all requests as JSON.
func queries(t *testing.T, server *aponotest.Server) string {
	t.Helper()
	list := []any{}
	for _, r := range server.Requests() {
		require.Equal(t, "GET /api/v3/activity", r.Method+" "+r.Path)
		list = append(list, r.Query)
	}
	data, err := json.Marshal(list)
	require.NoError(t, err)
	return string(data)
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(data)
}

func TestDemoExportsDemoTenant(t *testing.T) {
	t.Parallel()
	process.NeedsToken(t)
	// Its activity ends yesterday.
	yesterday := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -1).Format(time.DateOnly)
	result := process.Run(t, nil, "-demo", "-from", yesterday, "-to", yesterday, "-integration", "postgresql-production-orders",
		"-fields", "request_date,requestor_email,resources,bundle_name")
	require.Equal(t, process.Result{
		Stdout: "request_date,requestor_email,resources,bundle_name\n" +
			yesterday + "T08:00:00Z,ada.orders@example.com,orders,Orders on-call\n",
		Stderr: demo + "Exported 1 row.\n",
	}, result)
	require.Regexp(t, "^"+demo+`Exported (290|300) rows\.\n$`, process.Run(t, nil, "-demo", "-last", "30d").Stderr)
	all := process.Run(t, nil, "-demo")
	require.Equal(t, demo+"Exported 600 rows.\n", all.Stderr)
	require.Equal(t, 601, strings.Count(all.Stdout, "\n"))
}

// The columns, the filters and the period are sent to the server.
func TestQuery(t *testing.T) {
	t.Parallel()
	const fields = `"fields": ["request_id", "request_date", "request_grant_date", "request_revoke_date", "requestor_name",
		"requestor_email", "grantee_name", "grantee_id", "grantee_type", "integration", "resources", "resource_type",
		"permissions", "approver_names", "approver_emails", "approver_types", "justification", "status", "approver_reason",
		"resources_status", "trigger_type", "access_flow", "bundle_name", "extension_count"]`
	for _, test := range []struct {
		name  string
		args  string
		query string
	}{
		{"all", "", `{` + fields + `}`},
		{"dates", "-from 2026-03-30 -to 2026-03-31", `{` + fields + `, "start_date": ["1774828800000"], "end_date": ["1775001599999"]}`},
		{"dates in seconds", "-from 2026-03-30 -to 2026-03-31 -unit s", `{` + fields + `, "start_date": ["1774828800"], "end_date": ["1775001599"]}`},
		{"times", "-from 2026-03-30T02:00:00+02:00 -to 2026-03-31T00:00:00.5Z", `{` + fields + `, "start_date": ["1774828800000"], "end_date": ["1774915200500"]}`},
		{"filters", "-fields status -access-flow a1,a2 -request b -integration c -permission d -requestor e -resource f -resource-type g -status H,I -trigger j -limit 7", `{
			"fields": ["status"], "limit": ["7"], "filter[access_flow_id]": ["a1", "a2"], "filter[access_request_id]": ["b"],
			"filter[integration_id]": ["c"], "filter[permission]": ["d"], "filter[requestor_id]": ["e"], "filter[resource]": ["f"],
			"filter[resource_type]": ["g"], "filter[status]": ["H", "I"], "filter[trigger_type]": ["j"]}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := aponotest.NewServer(t, aponotest.WithOffsetPageSize(10))
			result := process.Run(t, process.Env(server), strings.Fields(test.args)...)
			require.Zero(t, result.Code)
			apitest.JSONEq(t, "["+test.query+"]", queries(t, server))
		})
	}
}

// Values that a spreadsheet might evaluate as formulas are escaped.
func TestCSV(t *testing.T) {
	t.Parallel()
	env := serve(t, respond(`{"data": [
		{"request_id": "=1+1", "resources": ["a", "b,c"], "justification": "say \"hi\"\n-now", "bundle_name": null},
		{"request_id": "+1", "resources": [], "justification": "-2", "bundle_name": 12345678901234567890, "other": "x"},
		{"request_id": "@SUM(A1)", "resources": ["=a", "b"], "justification": "\tx", "bundle_name": {"b": [true]}},
		{"request_id": "a=1", "justification": "\rx", "bundle_name": -1}],
		"pagination": {"total": 4, "limit": 100, "offset": 0}}`))
	require.Equal(t, process.Result{
		Stdout: "request_id,resources,justification,bundle_name\n" +
			"'=1+1,\"a; b,c\",\"say \"\"hi\"\"\n'-now\",\n" +
			"'+1,,'-2,12345678901234567890\n" +
			"'@SUM(A1),\"'=a; b\",\"'\tx\",\"{\"\"b\"\":[true]}\"\n" +
			"a=1,,\"'\rx\",'-1\n",
		Stderr: "Exported 4 rows.\n",
	}, process.Run(t, env, "-fields", "request_id,resources,justification,bundle_name"))
}

// JSON lines have members that the API does not document.
func TestJSONLines(t *testing.T) {
	t.Parallel()
	env := serve(t, respond(`{"data": [{"request_id": "=1", "bundle_name": "B", "new": {"n": 12345678901234567890}}, {"request_id": "r2", "resources": []}],
		"pagination": {"total": 2, "limit": 100, "offset": 0}}`))
	result := process.Run(t, env, "-format", "jsonl", "-fields", "request_id")
	require.Equal(t, "Exported 2 rows.\n", result.Stderr)
	lines := strings.SplitAfter(result.Stdout, "\n")
	require.Len(t, lines, 3)
	apitest.JSONEq(t, `{"request_id": "=1", "bundle_name": "B", "new": {"n": 12345678901234567890}}`, lines[0])
	apitest.JSONEq(t, `{"request_id": "r2", "resources": []}`, lines[1])
	require.Empty(t, lines[2])
}

func TestOutputFileIsReplaced(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "out.csv")
	require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("old\n", 100)), 0o600))
	env := serve(t, respond(`{"data": [{"status": "ACTIVE"}], "pagination": {"total": 1, "limit": 1, "offset": 0}}`))
	require.Equal(t, process.Result{Stderr: "Exported 1 row.\n"}, process.Run(t, env, "-fields", "status", "-o", path))
	require.Equal(t, "status\nACTIVE\n", read(t, path))
}

func TestFailedExportKeepsOldOutput(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*os.Process) error{
		"error":     nil,
		"interrupt": func(p *os.Process) error { return p.Signal(os.Interrupt) },
		"kill":      func(p *os.Process) error { return p.Kill() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t)
			output := filepath.Join(t.TempDir(), "out.csv")
			require.NoError(t, os.WriteFile(output, []byte("old\n"), 0o640))
			arrived := make(chan struct{})
			env := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("skip") != "4" {
					server.ServeHTTP(w, r)
					return
				}
				close(arrived)
				if end == nil {
					w.WriteHeader(http.StatusForbidden)
					return
				}
				<-r.Context().Done()
			})
			cmd := process.Command(t, append(env, "APONO_TOKEN="+server.Token), "-fields", "request_id", "-o", output)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			require.NoError(t, cmd.Start())
			<-arrived
			if end != nil {
				require.NoError(t, end(cmd.Process))
			}
			require.Error(t, cmd.Wait())
			require.Equal(t, "old\n", read(t, output))
			if name != "kill" {
				require.Contains(t, stderr.String(), "Stopped after 4 rows. "+output+" is unchanged.\n")
				entries, err := os.ReadDir(filepath.Dir(output))
				require.NoError(t, err)
				require.Len(t, entries, 1)
			}

			link := output + ".link"
			require.NoError(t, os.Symlink(output, link))
			require.Equal(t, process.Result{Stderr: "Exported 7 rows.\n"}, process.Run(t, process.Env(server), "-fields", "request_id", "-o", link))
			require.Equal(t, allSeven, read(t, output))
			info, err := os.Stat(output)
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o640), info.Mode().Perm())
		})
	}
}

// An export does not continue if rows were added or removed since it stopped.
func TestChangedRowsAreDetected(t *testing.T) {
	t.Parallel()
	rows := func(from, to int) *aponotest.Server {
		server := aponotest.NewServer(t, aponotest.WithOffsetPageSize(10))
		for i := from; i < to; i++ {
			// Six rows a request; the resource tells them apart.
			server.Put(aponotest.Activity, map[string]any{
				"request_id": fmt.Sprintf("r%d", i/6), "request_date": "2026-03-02T08:00:00Z", "resources": []string{fmt.Sprint(i)},
			})
		}
		return server
	}
	const moved = "activity-export: rows were added or removed in the meantime, so others may be missing or duplicate "
	for name, test := range map[string]struct {
		from, to int
		stderr   string
	}{
		"oldest removed":           {10, 500, moved + "(there were 500 rows, now there are 490): use -restart to start over\n"},
		"as many added as removed": {10, 510, moved + "(row 218 is not the exported one): use -restart to start over\n"},
		"two added and removed":    {2, 502, moved + "(row 218 is not the exported one): use -restart to start over\n"},
		"newest removed":           {0, 490, moved + "(there were 500 rows, now there are 490): use -restart to start over\n"},
		"nearly all removed":       {0, 1, moved + "(there were 500 rows, now there are 1): use -restart to start over\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := rows(0, 500)
			server.FaultNext("Activity.List", 1, aponotest.Fault{After: 22, Status: 403})
			args, output, mark := resumable(t)
			args[1], args[len(args)-1] = "request_id,resources", "100"
			require.Contains(t, process.Run(t, process.Env(server), args...).Stderr, "Stopped after 220 rows.")
			before, checkpoint := read(t, output), read(t, mark)

			later := rows(test.from, test.to)
			require.Equal(t, process.Result{Stderr: test.stderr, Code: 1}, process.Run(t, process.Env(later), args...))
			require.Equal(t, before, read(t, output))
			require.Equal(t, checkpoint, read(t, mark))

			result := process.Run(t, process.Env(later), append(args, "-restart")...)
			require.Equal(t, process.Result{Stderr: fmt.Sprintf("Exported %s.\n", program.Plural(test.to-test.from, "row"))}, result)
			require.Equal(t, test.to-test.from, strings.Count(read(t, output), "\nr"))
			require.Contains(t, read(t, output), fmt.Sprintf("request_id,resources\nr%d,%d\n", test.from/6, test.from))
		})
	}
}

// The first page is read separately from the others.
func TestRowsRemovedAfterFirstPageAreDetected(t *testing.T) {
	t.Parallel()
	whole, rest := newServer(t), aponotest.NewServer(t, aponotest.WithOffsetPageSize(2))
	for _, id := range []string{"r1", "r2", "r3", "r4", "r5", "r6"} {
		rest.Put(aponotest.Activity, map[string]any{"request_id": id})
	}
	env := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("skip") == "" {
			whole.ServeHTTP(w, r)
		} else {
			rest.ServeHTTP(w, r)
		}
	})
	result := process.Run(t, append(env, "APONO_TOKEN="+whole.Token), "-fields", "request_id")
	require.Equal(t, 1, result.Code)
	require.Contains(t, result.Stderr, "(the total was 7 rows, 6 were received)\n")
}

// An export cannot continue from a checkpoint of an earlier version, which does
// not name the last rows.
func TestCheckpointWithoutLastRows(t *testing.T) {
	t.Parallel()
	server, args, output, mark := stopped(t)
	text := strings.NewReplacer(`"`+hashOf(1)+`",`, "", `"`+hashOf(2)+`",`, "", `"`+hashOf(3)+`"`, "").Replace(read(t, mark))
	require.NoError(t, os.WriteFile(mark, []byte(text), 0o600))
	result := process.Run(t, process.Env(server), args...)
	require.Equal(t, 1, result.Code)
	require.Contains(t, result.Stderr, mark+" does not name the last rows")
	require.Equal(t, firstFour, read(t, output))
}

// The checkpoint must not be a link to the output.
func TestCheckpointIsNotOutput(t *testing.T) {
	t.Parallel()
	output := filepath.Join(t.TempDir(), "out.csv")
	require.NoError(t, os.WriteFile(output, []byte("old\n"), 0o600))
	soft, hard := output+".soft", output+".hard"
	require.NoError(t, os.Symlink(output, soft))
	require.NoError(t, os.Link(output, hard))
	dangling := output + ".dangling"
	require.NoError(t, os.Symlink(dangling+".target", dangling))
	require.Equal(t, 2, process.Run(t, nil, "-o", dangling, "-checkpoint", dangling+".target", "-to", "2026-01-01").Code)
	for _, mark := range []string{soft, hard, filepath.Dir(output) + "/./out.csv"} {
		require.Equal(t, 2, process.Run(t, nil, "-o", output, "-checkpoint", mark, "-to", "2026-01-01").Code)
		require.Equal(t, "old\n", read(t, output))
	}
}

// newServer returns a server with seven rows and pages of two.
func newServer(t *testing.T) *aponotest.Server {
	t.Helper()
	server := aponotest.NewServer(t, aponotest.WithOffsetPageSize(2))
	for i := range 7 {
		server.Put(aponotest.Activity, map[string]any{"request_id": fmt.Sprintf("r%d", i), "request_date": "2026-03-02T08:00:00Z"})
	}
	return server
}

const (
	header    = "request_id\n"
	firstFour = header + "r0\nr1\nr2\nr3\n"
	allSeven  = firstFour + "r4\nr5\nr6\n"
)

// resumable returns the arguments of an export with a checkpoint.
func resumable(t *testing.T) (args []string, output, mark string) {
	t.Helper()
	output, mark = filepath.Join(t.TempDir(), "out.csv"), filepath.Join(t.TempDir(), "checkpoint.json")
	return []string{"-fields", "request_id", "-to", "2026-04-01", "-o", output, "-checkpoint", mark, "-every", "2"}, output, mark
}

// hashOf returns the hash of a row of newServer.
func hashOf(i int) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(fmt.Sprintf(`{"request_id":"r%d"}`, i))))
}

// checkpointOf returns the content of a checkpoint file.
func checkpointOf(output string, rows, bytes int, complete bool, total int) string {
	last := []string{}
	for i := max(0, rows-3); i < rows; i++ {
		last = append(last, fmt.Sprintf(`"%s"`, hashOf(i)))
	}
	return fmt.Sprintf(`{"total": %d, "last": [%s], "rows": %d, "bytes": %d, "complete": %v, "export": {"format": "csv", "output": %q, "options": {
		"Limit": 0, "Skip": 0, "StartDate": 0, "EndDate": 1775087999999, "Fields": ["request_id"], "AccessFlowID": null,
		"AccessRequestID": null, "IntegrationID": null, "Permission": null, "RequestorID": null, "Resource": null,
		"ResourceType": null, "Status": null, "TriggerType": null}}}`, total, strings.Join(last, ","), rows, bytes, complete, output)
}

const query = `"fields": ["request_id"], "end_date": ["1775087999999"]`

// stopped runs an export that stops after four rows with an error.
func stopped(t *testing.T) (server *aponotest.Server, args []string, output, mark string) {
	t.Helper()
	server = newServer(t)
	args, output, mark = resumable(t)
	server.FaultNext("Activity.List", 1, aponotest.Fault{After: 2, Status: 403})
	require.Equal(t, process.Result{
		Stderr: "Stopped after 4 rows. Run the same command to continue.\n" +
			"activity-export: the token has no permission for this: apono: GET /api/v3/activity: 403 Forbidden, request ID fake-3\n", Code: 1,
	}, process.Run(t, process.Env(server), args...))
	require.Equal(t, firstFour, read(t, output))
	apitest.JSONEq(t, checkpointOf(output, 4, 23, false, 7), read(t, mark))
	return server, args, output, mark
}

// No row is missing or duplicate after a run that failed and a run that continued.
func TestContinuesAfterError(t *testing.T) {
	t.Parallel()
	server, args, output, mark := stopped(t)

	// A killed run may leave rows that are not in the checkpoint.
	require.NoError(t, os.WriteFile(output, []byte(allSeven+"r7\nr8"), 0o600))
	before, err := os.Open(mark)
	require.NoError(t, err)
	defer before.Close()
	require.Equal(t, process.Result{Stderr: "Exported 7 rows.\n"}, process.Run(t, process.Env(server), args...))
	require.Equal(t, allSeven, read(t, output))
	apitest.JSONEq(t, checkpointOf(output, 7, 32, true, 7), read(t, mark))
	apitest.JSONEq(t, `[{`+query+`}, {`+query+`, "skip": ["2"]}, {`+query+`, "skip": ["4"]},
		{`+query+`, "skip": ["1"]}, {`+query+`, "skip": ["3"]}, {`+query+`, "skip": ["5"]}]`, queries(t, server))

	// The checkpoint is replaced by a rename: an open file still has the old
	// content, and no temporary file is left.
	data, err := io.ReadAll(before)
	require.NoError(t, err)
	apitest.JSONEq(t, checkpointOf(output, 4, 23, false, 7), string(data))
	entries, err := os.ReadDir(filepath.Dir(mark))
	require.NoError(t, err)
	require.Len(t, entries, 1)

	require.Equal(t, process.Result{
		Stderr: output + " is complete, with 7 rows. Remove " + mark + " to export again.\n",
	}, process.Run(t, process.Env(server), args...))
	require.Len(t, server.Requests(), 6)
	require.Equal(t, allSeven, read(t, output))
}

func TestContinuesAfterSignal(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		signal os.Signal
		every  string
		stderr string
		output string
		rows   int
		code   int
	}{
		{os.Interrupt, "1000", "Stopped after 4 rows. Run the same command to continue.\nactivity-export: interrupted\n", firstFour, 4, 130},
		{os.Kill, "2", "", firstFour, 4, -1},
		{os.Kill, "3", "", header + "r0\nr1\nr2\n", 3, -1},
	} {
		t.Run(test.signal.String()+" "+test.every, func(t *testing.T) {
			t.Parallel()
			server := newServer(t)
			args, output, mark := resumable(t)
			args[len(args)-1] = test.every
			third := make(chan struct{})
			env := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("skip") == "4" {
					close(third)
					<-r.Context().Done()
					return
				}
				server.ServeHTTP(w, r)
			})
			cmd := process.Command(t, append(env, "APONO_TOKEN="+server.Token), args...)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			require.NoError(t, cmd.Start())
			<-third
			require.NoError(t, cmd.Process.Signal(test.signal))
			require.Error(t, cmd.Wait())
			require.Equal(t, test.code, cmd.ProcessState.ExitCode())
			require.Equal(t, test.stderr, stderr.String())
			require.Equal(t, test.output, read(t, output))
			apitest.JSONEq(t, checkpointOf(output, test.rows, len(test.output), false, 7), read(t, mark))

			require.Equal(t, process.Result{Stderr: "Exported 7 rows.\n"}, process.Run(t, process.Env(server), args...))
			require.Equal(t, allSeven, read(t, output))
		})
	}
}

func TestWrongCheckpointIsRejected(t *testing.T) {
	t.Parallel()
	server, args, output, mark := stopped(t)
	other := process.Result{
		Stderr: "activity-export: " + mark + " is the checkpoint of another export: use the same flags, or remove it to start over\n", Code: 1,
	}
	for _, change := range []string{
		"-to 2026-04-02", "-from 2026-01-01", "-unit s", "-format jsonl", "-fields request_id,status", "-status ACTIVE", "-o other.csv",
	} {
		require.Equal(t, other, process.Run(t, process.Env(server), append(slices.Clip(args), strings.Fields(change)...)...))
	}
	require.Len(t, server.Requests(), 3)
	require.Equal(t, firstFour, read(t, output))

	short := process.Result{
		Stderr: "activity-export: " + output + " is shorter than the 23 bytes in " + mark + ": remove the checkpoint to start over\n", Code: 1,
	}
	require.NoError(t, os.Truncate(output, 22))
	require.Equal(t, short, process.Run(t, process.Env(server), args...))
	require.NoError(t, os.Remove(output))
	require.Equal(t, short, process.Run(t, process.Env(server), args...))
	require.NoError(t, os.WriteFile(mark, []byte("{"), 0o600))
	require.Equal(t, process.Result{
		Stderr: "activity-export: checkpoint " + mark + ": unexpected end of JSON input\n", Code: 1,
	}, process.Run(t, process.Env(server), args...))
	require.Len(t, server.Requests(), 3)
}

func TestServerWithoutPagination(t *testing.T) {
	t.Parallel()
	args, output, mark := resumable(t)
	env := serve(t, respond(`{"data": [{"request_id": "r0"}, {"request_id": "r1"}], "pagination": {"total": 5, "limit": 2, "offset": 0}}`))
	require.Equal(t, process.Result{
		Stderr: "Stopped after 2 rows. Run the same command to continue.\n" +
			"activity-export: apono: GET /api/v3/activity: the list is not complete: 2 items read, total 5: requested the items from offset 2, the server returned those from 0" + noPagination,
		Code: 1,
	}, process.Run(t, env, args...))
	require.Equal(t, header+"r0\nr1\n", read(t, output))
	apitest.JSONEq(t, checkpointOf(output, 2, 17, false, 5), read(t, mark))

	strict := aponotest.NewServer(t)
	result := process.Run(t, process.Env(strict), "-limit", "2", "-format", "jsonl")
	require.Equal(t, 1, result.Code)
	require.Regexp(t, `^activity-export: apono: GET /api/v3/activity: 422 Unprocessable Entity: .*limit: unknown query parameter, request ID fake-1; `, result.Stderr)
	require.True(t, strings.HasSuffix(result.Stderr, noPagination))
}

// The program reports rows outside the period, and periods without rows, which
// point to a wrong unit.
func TestPeriodInWrongUnit(t *testing.T) {
	t.Parallel()
	const hint = ". The server may expect the other -unit.\n"
	all := serve(t, respond(`{"data": [{"request_date": "2026-02-28T23:59:59.9Z"}, {"request_date": "2026-03-01T00:00:00Z"}, {"request_date": "yesterday"}, {"request_date": "2026-03-02T00:00:00Z"}],
		"pagination": {"total": 4, "limit": 4, "offset": 0}}`))
	require.Equal(t, process.Result{Stderr: "Exported 4 rows. Requested outside the period: 2" + hint}, process.Run(t, all, "-o", os.DevNull, "-from", "2026-03-01", "-to", "2026-03-01"))
	require.Equal(t, process.Result{Stderr: "Exported 4 rows.\n"}, process.Run(t, all, "-o", os.DevNull))
	require.Equal(t, process.Result{Stderr: "Exported 4 rows.\n"}, process.Run(t, all, "-o", os.DevNull, "-from", "2026-02-01"))
	none := serve(t, respond(`{"data": [], "pagination": {"total": 0, "limit": 4, "offset": 0}}`))
	require.Equal(t, process.Result{Stderr: "No activity in this period.\n"}, process.Run(t, none, "-o", os.DevNull, "-to", "2026-03-01"))
	require.Equal(t, process.Result{Stderr: "No activity in this period.\n"}, process.Run(t, none, "-o", os.DevNull))
}

func TestWrongUsage(t *testing.T) {
	t.Parallel()
	const checkpoint = "activity-export: -checkpoint needs -o with a regular file, another file than that of -o, and a -to in the past; see -h\n"
	const last = "activity-export: -last must be a number of days such as 30d or a duration such as 12h, without -from, -to and -checkpoint; see -h\n"
	for args, want := range map[string]string{
		"-from yesterday":                             "activity-export: -from and -to must be dates such as 2026-03-31 or times such as 2026-03-31T18:00:00Z; see -h\n",
		"-to 2026-02-30":                              "activity-export: -from and -to must be dates such as 2026-03-31 or times such as 2026-03-31T18:00:00Z; see -h\n",
		"-from 2026-03-31 -to 2026-03-30":             "activity-export: -to is before -from; see -h\n",
		"-unit min":                                   "activity-export: -unit must be s or ms; see -h\n",
		"-format xlsx":                                "activity-export: -format must be csv or jsonl; see -h\n",
		"-fields ,":                                   "activity-export: -fields must name a column, -every must be at least 1 and -limit at least 0; see -h\n",
		"-every 0":                                    "activity-export: -fields must name a column, -every must be at least 1 and -limit at least 0; see -h\n",
		"-checkpoint c -to 2026-01-01":                checkpoint,
		"-checkpoint c -o o":                          checkpoint,
		"-checkpoint c -o o -to 2999-01-01":           checkpoint,
		"-checkpoint c -o c -to 2026-01-01":           checkpoint,
		"-checkpoint ./c -o c -to 2026-01-01":         checkpoint,
		"-last 0d":                                    last,
		"-last -1h":                                   last,
		"-last month":                                 last,
		"-last 99999999d":                             last,
		"-last 1d -from 2026-01-01":                   last,
		"-last 1d -to 2026-01-01":                     last,
		"-last 1d -o o -checkpoint c":                 last,
		"-checkpoint c -o /dev/stdout -to 2026-01-01": checkpoint,
		"-restart":                                    "activity-export: -restart needs -checkpoint; see -h\n",
		"extra":                                       "activity-export: expected 0 arguments, got 1; see -h\n",
	} {
		require.Equal(t, process.Result{Stderr: want, Code: 2}, process.Run(t, nil, strings.Fields(args)...))
	}
	missing := filepath.Join(t.TempDir(), "none", "out.csv")
	result := process.Run(t, nil, "-demo", "-o", missing)
	require.Equal(t, process.Result{Stderr: demo + "activity-export: open " + missing + ": no such file or directory\n", Code: 1}, result)
	result = process.Run(t, nil, "-demo", "-o", filepath.Join(t.TempDir(), "out.csv"), "-checkpoint", missing, "-to", time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly), "-every", "100")
	require.Equal(t, 1, result.Code)
	require.Contains(t, result.Stderr, "Stopped after 100 rows.")
	require.Contains(t, result.Stderr, "\nactivity-export: ")
	require.Contains(t, result.Stderr, "no such file or directory\n")
	help := process.Help(t)
	require.Contains(t, help, "The API does not document whether the period is in seconds or in milliseconds.")
	require.Contains(t, help, `s or ms (default "ms")`)
}

// collections matches lines of GODEBUG=gctrace=1. The captured size is that of the
// live heap in MB.
var collections = regexp.MustCompile(`(?m)^gc \d+ .* \d+->\d+->(\d+) MB`)

// If the program kept all rows, the longer export would take about 20 MB more.
func TestMemoryDoesNotGrowWithRows(t *testing.T) {
	t.Parallel()
	const page = 250
	rows := strings.Repeat(fmt.Sprintf(`, {"request_id": "r", "justification": "%02000d", "resources": ["a", "b"]}`, 1), page-1)
	inUse := func(total int) int {
		env := serve(t, func(w http.ResponseWriter, r *http.Request) {
			skip, _ := strconv.Atoi(r.URL.Query().Get("skip"))
			fmt.Fprintf(w, `{"pagination": {"total": %d, "limit": %d, "offset": %d}, "data": [`, total, page, skip)
			fmt.Fprintf(w, `{"request_id": "%d"}%s]}`, skip, rows)
		})
		result := process.Run(t, append(env, "GODEBUG=gctrace=1"), "-o", os.DevNull, "-fields", "request_id,justification,resources")
		require.Contains(t, result.Stderr, fmt.Sprintf("Exported %d rows.\n", total))
		most, found := 0, collections.FindAllStringSubmatch(result.Stderr, -1)
		require.Greater(t, len(found), 5, "too few garbage collections to compare")
		for _, match := range found {
			size, err := strconv.Atoi(match[1])
			require.NoError(t, err)
			most = max(most, size)
		}
		t.Logf("%d rows: at most %d MB in use", total, most)
		return most
	}
	few, many := inUse(2_500), inUse(12_500)
	require.Less(t, many, few+10, "use of memory grows with the number of rows")
}

func TestFullOutput(t *testing.T) {
	t.Parallel()
	process.FullOutput(t, nil, "-demo")
}
