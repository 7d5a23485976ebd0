// Command activity-export exports the activity of a period as CSV or as JSON
// lines, in memory that does not grow with the period, and goes on where an
// earlier run stopped.
//
// With APONO_TOKEN or APONO_PERSONAL_TOKEN set it talks to Apono. Without, it
// starts a fake server with a made-up company and exports that one's.
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/program"
)

func main() { program.Main("activity-export", run) }

const about = `Exports the activity of a period, as CSV or as JSON lines.

The API does not document whether it takes the period in seconds or in
milliseconds. This program sends milliseconds, because a server that takes
seconds then finds no rows after -from rather than too many; see -unit. Nor does
the API document answers in parts (-limit) or from a row on (-checkpoint): where
the server does not play along, the export ends with an error rather than with
rows that are missing or repeated. One answer is held in memory at a time.

In CSV, lists are joined by "; ", and a cell that a spreadsheet might take for a
formula begins with an apostrophe. JSON lines hold all that the server answers.`

// columns are all that the API documents.
var columns = []apono.ReportField{
	apono.ReportFieldRequestID, apono.ReportFieldRequestDate, apono.ReportFieldRequestGrantDate,
	apono.ReportFieldRequestRevokeDate, apono.ReportFieldRequestorName, apono.ReportFieldRequestorEmail,
	apono.ReportFieldGranteeName, apono.ReportFieldGranteeID, apono.ReportFieldGranteeType,
	apono.ReportFieldIntegration, apono.ReportFieldResources, apono.ReportFieldResourceType,
	apono.ReportFieldPermissions, apono.ReportFieldApproverNames, apono.ReportFieldApproverEmails,
	apono.ReportFieldApproverTypes, apono.ReportFieldJustification, apono.ReportFieldStatus,
	apono.ReportFieldApproverReason, apono.ReportFieldResourcesStatus, apono.ReportFieldTriggerType,
	apono.ReportFieldAccessFlow, apono.ReportFieldBundleName, apono.ReportFieldExtensionCount,
}

func run(ctx context.Context, p *program.Program) error {
	opts := apono.ListActivityOptions{Fields: columns}
	from := p.Flags.String("from", "", "the beginning of the period: a `date`, from its midnight in UTC, or a time in RFC 3339")
	to := p.Flags.String("to", "", "the end of the period: a `date`, to its end in UTC, or a time in RFC 3339")
	unit := p.Flags.String("unit", "ms", "send the period in this `unit`, s or ms; the API does not document which it takes")
	format := p.Flags.String("format", "csv", "`csv` or jsonl")
	path := p.Flags.String("o", "", "write to this `file`, in place of what it holds, and not to standard output")
	mark := p.Flags.String("checkpoint", "", "keep in this `file` how far the export came: the same command goes on from there;\nneeds -o, and a -to that is past, for later rows could move the others")
	every := p.Flags.Int("every", 1000, "update the checkpoint after so many `rows`")
	limit := p.Flags.Int("limit", 0, "ask for answers of so many `rows`; the API does not document that")
	list(p, "fields", "the `columns` (default all 24 that the API documents)", &opts.Fields)
	list(p, "access-flow", "only rows about access flows with these `ids`", &opts.AccessFlowID)
	list(p, "request", "only rows about access requests with these `ids`", &opts.AccessRequestID)
	list(p, "integration", "only rows about integrations with these `ids`", &opts.IntegrationID)
	list(p, "permission", "only rows about these `permissions`", &opts.Permission)
	list(p, "requestor", "only rows about requestors with these `ids`", &opts.RequestorID)
	list(p, "resource", "only rows about these `resources`", &opts.Resource)
	list(p, "resource-type", "only rows about resources of these `types`", &opts.ResourceType)
	list(p, "status", "only rows in these `states`", &opts.Status)
	list(p, "trigger", "only rows about access that came about in these `ways`", &opts.TriggerType)
	if err := p.Parse(about); err != nil {
		return err
	}
	start, errStart := moment(*from, 0)
	end, errEnd := moment(*to, 24*time.Hour-time.Nanosecond)
	switch {
	case errStart != nil || errEnd != nil:
		return p.Misuse("-from and -to are dates such as 2026-03-31 or times such as 2026-03-31T18:00:00Z")
	case !end.IsZero() && end.Before(start):
		return p.Misuse("-to is before -from")
	case *unit != "s" && *unit != "ms":
		return p.Misuse("-unit is s or ms")
	case *format != "csv" && *format != "jsonl":
		return p.Misuse("-format is csv or jsonl")
	case len(opts.Fields) == 0 || *every < 1 || *limit < 0:
		return p.Misuse("-fields names a column, -every is at least 1, and -limit at least 0")
	case *mark != "" && (*path == "" || *path == *mark || end.IsZero() || end.After(time.Now())):
		return p.Misuse("-checkpoint needs -o, a file of its own, and a -to that is past")
	}
	opts.StartDate, opts.EndDate = number(start, *unit), number(end, *unit)

	e := export{checkpoint: checkpoint{Export: parameters{*path, *format, opts}}, mark: *mark}
	if err := e.load(); err != nil {
		return err
	}
	if e.Complete {
		fmt.Fprintf(p.Stderr, "%s is complete, with %s. Remove %s to export again.\n", *path, program.Plural(e.Rows, "row"), *mark)
		return nil
	}
	client, disconnect, err := p.Connect([]aponotest.Option{aponotest.WithOffsetPageSize(100)})
	if err != nil {
		return err
	}
	defer disconnect()
	if err := e.open(p.Stdout); err != nil {
		return err
	}
	opts.Skip, opts.Limit = e.Rows, *limit
	progress, outside := p.Progress(), 0
	for row, rowErr := range client.Activity.ListAll(ctx, opts) {
		if err = cmp.Or(rowErr, ctx.Err()); err == nil {
			err = e.add(row)
		}
		if err != nil {
			break
		}
		if e.Rows++; e.Rows%*every == 0 {
			if err = e.save(); err != nil {
				break
			}
			progress("%s", program.Plural(e.Rows, "row"))
		}
		if at := requested(row); !at.IsZero() && (at.Before(start) || !end.IsZero() && at.After(end)) {
			outside++
		}
	}
	progress("")
	e.Complete = err == nil
	err = cmp.Or(err, e.save())
	verb, more := "Exported", ""
	switch {
	case err != nil && *mark != "":
		verb, more = "Stopped after", " The same command goes on."
	case err != nil:
		verb = "Stopped after"
	case outside > 0 || e.Rows == 0 && *from+*to != "":
		more = fmt.Sprintf(" Requested outside the period: %d. The server may count in the other -unit.", outside)
	}
	fmt.Fprintf(p.Stderr, "%s %s.%s\n", verb, program.Plural(e.Rows, "row"), more)
	return explain(err, opts)
}

// export is an export under way.
type export struct {
	checkpoint
	mark  string   // the checkpoint's file, empty without
	file  *os.File // the output, nil for standard output
	add   func(*apono.ActivityEntry) error
	flush func() error
}

// checkpoint is how much of an export is safely in its output.
type checkpoint struct {
	Export   parameters `json:"export"`
	Rows     int        `json:"rows"`
	Bytes    int64      `json:"bytes"`
	Complete bool       `json:"complete"`
}

type parameters struct {
	Output  string                    `json:"output"`
	Format  string                    `json:"format"`
	Options apono.ListActivityOptions `json:"options"`
}

// load reads the checkpoint, if there is one.
func (e *export) load() error {
	data, err := os.ReadFile(e.mark)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var saved checkpoint
	if err == nil {
		err = json.Unmarshal(data, &saved) //nolint:musttag // the options go by their names in Go
	}
	switch {
	case err != nil:
		return fmt.Errorf("checkpoint %s: %w", e.mark, err)
	case !reflect.DeepEqual(saved.Export, e.Export):
		return fmt.Errorf("%s is the checkpoint of another export: use that one's flags, or remove it to start anew", e.mark)
	}
	e.checkpoint = saved
	return nil
}

// open opens the output and cuts it back to what the checkpoint counts: what
// comes after that will be exported again.
func (e *export) open(w io.Writer) error {
	if path := e.Export.Output; path != "" {
		flags := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
		if e.Bytes > 0 {
			flags = os.O_WRONLY
			if info, err := os.Stat(path); err != nil || info.Size() < e.Bytes {
				return fmt.Errorf("%s lacks some of the %d bytes that %s counts: remove the checkpoint to start anew", path, e.Bytes, e.mark)
			}
		}
		var err error
		if e.file, err = os.OpenFile(path, flags, 0o600); err != nil { //nolint:gosec // the file that the user names
			return err
		}
		if e.Bytes > 0 {
			_, err = e.file.Seek(e.Bytes, io.SeekStart)
			if err = errors.Join(err, e.file.Truncate(e.Bytes)); err != nil {
				return err
			}
		}
		w = e.file
	}
	if e.Export.Format == "jsonl" {
		buffer := bufio.NewWriter(w)
		lines := json.NewEncoder(buffer)
		e.add, e.flush = func(row *apono.ActivityEntry) error { return lines.Encode(row) }, buffer.Flush
		return nil
	}
	table := csv.NewWriter(w)
	e.add = func(row *apono.ActivityEntry) error { return addCells(table, row, e.Export.Options.Fields) }
	e.flush = func() error { table.Flush(); return table.Error() }
	if e.Bytes > 0 {
		return nil
	}
	var header []string
	for _, name := range e.Export.Options.Fields {
		header = append(header, string(name))
	}
	return table.Write(header)
}

// save puts all rows safely into the output and then counts them in the
// checkpoint.
func (e *export) save() error {
	if err := e.flush(); err != nil || e.mark == "" {
		return err
	}
	err := e.file.Sync()
	if err == nil {
		e.Bytes, err = e.file.Seek(0, io.SeekCurrent)
	}
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(e.checkpoint, "", "  ") //nolint:musttag // as in load
	if err != nil {
		return err
	}
	// A file of its own that takes the other's place: whatever happens, there is
	// a whole checkpoint.
	temp, err := os.CreateTemp(filepath.Dir(e.mark), filepath.Base(e.mark)+".*")
	if err != nil {
		return err
	}
	_, err = temp.Write(append(data, '\n'))
	if err = errors.Join(err, temp.Sync(), temp.Close()); err == nil {
		err = os.Rename(temp.Name(), e.mark)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
	}
	return err
}

// addCells writes a row of a table.
func addCells(table *csv.Writer, row *apono.ActivityEntry, columns []apono.ReportField) error {
	data, err := json.Marshal(row)
	if err != nil {
		return err
	}
	var values map[string]any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&values); err != nil {
		return err
	}
	cells := make([]string, len(columns))
	for i, name := range columns {
		cells[i] = program.Cell(text(values[string(name)]))
	}
	return table.Write(cells)
}

func text(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case string:
		return value
	case []any:
		texts := make([]string, len(value))
		for i, element := range value {
			texts[i] = text(element)
		}
		return strings.Join(texts, "; ")
	}
	data, _ := json.Marshal(value) // came from JSON
	return string(data)
}

// list defines a flag of several values.
func list[T ~string](p *program.Program, name, usage string, into *[]T) {
	p.Flags.Func(name, usage+", separated by commas", func(values string) error {
		*into = program.List[T](values)
		return nil
	})
}

// moment reads a time, or a date to which it adds something; empty is the zero
// time.
func moment(text string, onDates time.Duration) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if date, err := time.Parse(time.DateOnly, text); err == nil {
		return date.Add(onDates), nil
	}
	return time.Parse(time.RFC3339, text)
}

func number(t time.Time, unit string) int64 {
	switch {
	case t.IsZero():
		return 0
	case unit == "s":
		return t.Unix()
	}
	return t.UnixMilli()
}

// requested is when a row was requested, zero if it does not say so in a form
// that is known: the API documents none.
func requested(row *apono.ActivityEntry) (at time.Time) {
	if row.RequestDate != nil {
		at, _ = time.Parse(time.RFC3339, *row.RequestDate)
	}
	return at
}

// explain says what to do about answers that the API does not document.
func explain(err error, opts apono.ListActivityOptions) error {
	var refused *apono.APIError
	switch {
	case errors.Is(err, apono.ErrResponseTooLarge):
		return fmt.Errorf("%w: export shorter periods, or try -limit", err)
	case errors.Is(err, apono.ErrTruncated),
		opts.Skip+opts.Limit > 0 && errors.As(err, &refused) && (refused.StatusCode == 400 || refused.StatusCode == 422):
		return fmt.Errorf("%w; the API does not document that activity can be had in parts: "+
			"export shorter periods that are past, without -limit, and start anew without the checkpoint", err)
	}
	return err
}
