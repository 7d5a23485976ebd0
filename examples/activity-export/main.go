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
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
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
the API document responses in parts (-limit) or from a row on (-checkpoint):
where the server does not play along, the export ends with an error rather than
with rows that are missing or twice. One response is held in memory at a time.

In CSV, lists are joined by "; ", and a cell that a spreadsheet might take for a
formula begins with an apostrophe. JSON lines hold all that the server returns.

With -o alone the file is replaced as a whole when the export is complete, and
is as it was if the export fails. With -checkpoint rows are appended to the file
as they come. An export that goes on holds the last rows that it wrote, and how
many there were in all, against what Apono has now; if they differ, rows came or
vanished meanwhile, and it ends with an error. -restart then starts over.`

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
	mark := p.Flags.String("checkpoint", "", "keep in this `file` how far the export came: the same command goes on from there; needs -o, and a -to that is past, for later rows could move the others")
	restart := p.Flags.Bool("restart", false, "start over, whatever -checkpoint says")
	every := p.Flags.Int("every", 1000, "update the checkpoint after so many `rows`")
	limit := p.Flags.Int("limit", 0, "ask for responses of so many `rows`; the API does not document that")
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
	case *mark != "" && (*path == "" || sameFile(*path, *mark) || end.IsZero() || end.After(time.Now())):
		return p.Misuse("-checkpoint needs -o, a file of its own, and a -to that is past")
	case *restart && *mark == "":
		return p.Misuse("-restart needs -checkpoint")
	}
	opts.StartDate, opts.EndDate = number(start, *unit), number(end, *unit)

	e := export{checkpoint: checkpoint{Export: parameters{*path, *format, opts}}, mark: *mark}
	if !*restart {
		if err := e.load(); err != nil {
			return err
		}
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
	opts.Limit = *limit
	progress := p.Progress()
	outside, err := e.run(ctx, client, p.Stdout, opts, progress, *every, func(at time.Time) bool {
		return at.Before(start) || !end.IsZero() && at.After(end)
	})
	progress("")
	more := ""
	switch {
	case err != nil && e.add == nil:
		return explain(err, opts) // before anything was written
	case err != nil && *mark != "":
		more = " The same command goes on."
	case err != nil && *path != "":
		more = fmt.Sprintf(" %s is as it was.", *path)
	case outside > 0 || e.Rows == 0 && *from+*to != "":
		more = fmt.Sprintf(" Requested outside the period: %d. The server may count in the other -unit.", outside)
	}
	verb := "Exported"
	if err != nil {
		verb = "Stopped after"
	}
	fmt.Fprintf(p.Stderr, "%s %s.%s\n", verb, program.Plural(e.Rows, "row"), more)
	return explain(err, opts)
}

// run exports the rows that the checkpoint does not count, and returns how many
// of them were requested outside of the period.
func (e *export) run(ctx context.Context, client *apono.Client, w io.Writer, opts apono.ListActivityOptions,
	progress func(string, ...any), every int, isOutside func(time.Time) bool,
) (outside int, err error) {
	known := len(e.Last)
	opts.Skip = e.Rows - known
	first, err := client.Activity.List(ctx, opts)
	if err == nil {
		err = e.check(first, opts.Skip)
	}
	if err != nil {
		return 0, err
	}
	e.Total = first.Total
	if err := e.open(w); err != nil {
		e.add = nil
		return 0, err
	}
	began, before := time.Now(), e.Rows
	for row, rowErr := range all(ctx, client, opts, first) {
		if err = cmp.Or(rowErr, ctx.Err()); err != nil {
			break
		}
		if known > 0 {
			known--
			continue
		}
		if err = e.add(row); err != nil {
			break
		}
		e.Rows++
		e.Last = append(e.Last, identity(row))
		e.Last = e.Last[max(0, len(e.Last)-compared):]
		if e.Rows%every == 0 {
			if err = e.save(); err != nil {
				break
			}
		}
		progress("%d of %s, %.0f a second", e.Rows, program.Plural(e.Total, "row"), float64(e.Rows-before)/time.Since(began).Seconds())
		if at := requested(row); !at.IsZero() && isOutside(at) {
			outside++
		}
	}
	e.Complete = err == nil
	return outside, e.close(cmp.Or(err, e.save()))
}

// all are the rows of a list whose first page was read.
func all(ctx context.Context, client *apono.Client, opts apono.ListActivityOptions, first *apono.OffsetPage[apono.ActivityEntry]) iter.Seq2[*apono.ActivityEntry, error] {
	return func(yield func(*apono.ActivityEntry, error) bool) {
		came := 0
		if first.Offset == opts.Skip { // otherwise ListAll says what is wrong
			for _, row := range first.Items {
				if came++; !yield(row, nil) {
					return
				}
			}
			if opts.Skip += came; opts.Skip == first.Total || came == 0 && first.Total == 0 {
				return
			}
		}
		for row, err := range client.Activity.ListAll(ctx, opts) {
			if truncated := (*apono.TruncatedError)(nil); errors.As(err, &truncated) {
				truncated.Received += came
			}
			if opts.Skip++; !yield(row, err) || err != nil {
				return
			}
		}
		// ListAll has not seen the first page, and a server that counts less than
		// came does not count.
		if opts.Skip < first.Total {
			yield(nil, fmt.Errorf("%w (there were %s at first, and %d came)", errMoved, program.Plural(first.Total, "row"), opts.Skip))
		}
	}
}

// compared is how many rows are held against what was exported before an export
// goes on.
const compared = 3

var errMoved = errors.New("rows came or vanished meanwhile, so that others may be missing or twice")

// check holds a page against what the checkpoint says of the rows before the
// first missing one.
func (e *export) check(page *apono.OffsetPage[apono.ActivityEntry], skip int) error {
	switch {
	case e.Rows == 0 || page.Offset != skip:
		return nil
	case len(e.Last) == 0:
		return fmt.Errorf("%w (%s does not say which rows came last): -restart starts over", errMoved, e.mark)
	case page.Total != e.Total:
		return fmt.Errorf("%w (there were %s, now there are %d): -restart starts over", errMoved, program.Plural(e.Total, "row"), page.Total)
	}
	for i, row := range page.Items[:min(len(page.Items), len(e.Last))] {
		if identity(row) != e.Last[i] {
			return fmt.Errorf("%w (row %d is not the one that was exported): -restart starts over", errMoved, skip+i+1)
		}
	}
	return nil
}

// identity is what a row is known by: the id of its request, or else what it
// holds.
func identity(row *apono.ActivityEntry) string {
	if row.RequestID != nil {
		return *row.RequestID
	}
	data, _ := json.Marshal(row) // came from JSON
	return fmt.Sprintf("%x", sha256.Sum256(data))
}

// export is an export under way.
type export struct {
	checkpoint
	mark  string   // the checkpoint's file, empty without
	file  *os.File // the output, nil for standard output
	final string   // what the file is to be called in the end, empty if it is already
	add   func(*apono.ActivityEntry) error
	flush func() error
}

// checkpoint is how much of an export is safely in its output.
type checkpoint struct {
	Export parameters `json:"export"`
	Rows   int        `json:"rows"`
	Bytes  int64      `json:"bytes"`
	// Total is how many rows there were, and Last are the last ones exported.
	Total    int      `json:"total"`
	Last     []string `json:"last"`
	Complete bool     `json:"complete"`
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
	if info, err := os.Stat(saved.Export.Output); saved.Bytes > 0 && (err != nil || info.Size() < saved.Bytes) {
		return fmt.Errorf("%s lacks some of the %d bytes that %s counts: remove the checkpoint to start anew", saved.Export.Output, saved.Bytes, e.mark)
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
		}
		var err error
		if e.final = e.replaceable(path); e.final != "" {
			if e.file, err = os.CreateTemp(filepath.Dir(e.final), "."+filepath.Base(e.final)+".*"); err != nil {
				return &fs.PathError{Op: "open", Path: path, Err: errors.Unwrap(err)}
			}
		} else if e.file, err = os.OpenFile(path, flags, 0o600); err != nil { //nolint:gosec // the file that the user names
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
	buffer := bufio.NewWriter(w)
	e.add = func(row *apono.ActivityEntry) error { return addCells(buffer, row, e.Export.Options.Fields) }
	e.flush = buffer.Flush
	if e.Bytes > 0 {
		return nil
	}
	var header []string
	for _, name := range e.Export.Options.Fields {
		header = append(header, string(name))
	}
	return program.WriteCSV(buffer, header)
}

// replaceable returns the name of the file that a finished one takes the place
// of. It is empty where there is a checkpoint, and for what is no file, such as
// the null device.
func (e *export) replaceable(path string) string {
	info, err := os.Stat(path)
	if e.mark != "" || err == nil && !info.Mode().IsRegular() {
		return ""
	}
	return canonical(path)
}

// close puts a finished file in its place, or removes an unfinished one.
func (e *export) close(err error) error {
	if e.file == nil {
		return err
	}
	if e.final != "" && err == nil {
		if info, statErr := os.Stat(e.final); statErr == nil {
			err = e.file.Chmod(info.Mode())
		}
		err = cmp.Or(err, e.file.Sync())
	}
	err = cmp.Or(err, e.file.Close())
	if e.final == "" {
		return err
	}
	if err == nil {
		err = os.Rename(e.file.Name(), e.final)
	}
	if err != nil {
		_ = os.Remove(e.file.Name())
	}
	return err
}

// canonical is a path without links and detours, of a file that may not exist.
func canonical(path string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(dir, filepath.Base(path))
	}
	return path
}

// sameFile reports whether two paths lead to one file.
func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return canonical(a) == canonical(b) || errA == nil && errB == nil && os.SameFile(infoA, infoB)
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
func addCells(w io.Writer, row *apono.ActivityEntry, columns []apono.ReportField) error {
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
		cells[i] = text(values[string(name)])
	}
	return program.WriteCSV(w, cells)
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

// explain says what to do about responses that the API does not document.
func explain(err error, opts apono.ListActivityOptions) error {
	var rejected *apono.APIError
	switch {
	case errors.Is(err, apono.ErrResponseTooLarge):
		return fmt.Errorf("%w: export shorter periods, or try -limit", err)
	case errors.Is(err, apono.ErrTruncated),
		opts.Skip+opts.Limit > 0 && errors.As(err, &rejected) && (rejected.StatusCode == 400 || rejected.StatusCode == 422):
		return fmt.Errorf("%w; the API does not document that activity can be had in parts: "+
			"export shorter periods that are past, without -limit, and start anew without the checkpoint", err)
	}
	return err
}
