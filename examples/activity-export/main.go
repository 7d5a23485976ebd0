// Command activity-export exports the activity of a period as CSV or JSON lines.
// Its use of memory does not grow with the number of rows. With a checkpoint it
// continues where an earlier run stopped.
//
// With -demo, it uses a fake server with demo data instead of Apono.
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
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/program"
)

func main() { program.Main("activity-export", run) }

const about = `Exports the activity of a period as CSV or JSON lines.

The API does not document whether the period is in seconds or in milliseconds.
The program sends milliseconds: a server that expects seconds then returns no
rows after -from, instead of too many. See -unit. The API does not document
pagination of activity either, which -limit and -checkpoint use. If the server
does not support it, the export ends with an error instead of missing or
duplicate rows. The program holds one response in memory at a time.

In CSV, the elements of a list are joined by "; ", and a cell that a spreadsheet
might evaluate as a formula begins with an apostrophe. JSON lines have all
members that the server returns.

With -o, the file is replaced when the export is complete; it stays unchanged if
the export fails. With -checkpoint, rows are appended to the file as they are
read. An export that continues first compares its last rows and the total with
those of the server. If they differ, it ends with an error; -restart then starts
over.`

// columns are the columns that the API documents.
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
	from := p.Flags.String("from", "", "start of the period: a `date`, from midnight UTC, or a time in RFC 3339")
	last := p.Flags.String("last", "", "export the `period` before now, such as 30d or 12h, instead of -from and -to")
	to := p.Flags.String("to", "", "end of the period: a `date`, to the end of the day in UTC, or a time in RFC 3339")
	unit := p.Flags.String("unit", "ms", "send the period in this `unit`, s or ms")
	format := p.Flags.String("format", "csv", "export in this `format`: csv or jsonl")
	path := p.Flags.String("o", "", "write to this `file` instead of standard output")
	mark := p.Flags.String("checkpoint", "", "record the progress in this `file`, so that the same command continues an unfinished export; needs -o and a -to in the past, since new rows could move others")
	restart := p.Flags.Bool("restart", false, "ignore the checkpoint and start over")
	every := p.Flags.Int("every", 1000, "update the checkpoint after this number of `rows`")
	limit := p.Flags.Int("limit", 0, "request pages of this number of `rows`")
	list(p, "fields", "export these `columns` instead of the 24 that the API documents", &opts.Fields)
	list(p, "access-flow", "export only rows for access flows with these `ids`", &opts.AccessFlowID)
	list(p, "request", "export only rows for access requests with these `ids`", &opts.AccessRequestID)
	list(p, "integration", "export only rows for integrations with these `ids`", &opts.IntegrationID)
	list(p, "permission", "export only rows for these `permissions`", &opts.Permission)
	list(p, "requestor", "export only rows for requestors with these `ids`", &opts.RequestorID)
	list(p, "resource", "export only rows for these `resources`", &opts.Resource)
	list(p, "resource-type", "export only rows for resources of these `types`", &opts.ResourceType)
	list(p, "status", "export only rows with these `statuses`", &opts.Status)
	list(p, "trigger", "export only rows with these trigger `types`", &opts.TriggerType)
	p.Examples = []string{
		`activity-export -demo -last 30d -format jsonl`,
		`activity-export -to 2026-03-31 -o all.csv -checkpoint all.json`,
	}
	if err := p.Parse(about); err != nil {
		return err
	}
	start, errStart := moment(*from, 0)
	end, errEnd := moment(*to, 24*time.Hour-time.Nanosecond)
	period, errLast := duration(*last)
	if period > 0 {
		end = time.Now()
		start = end.Add(-period)
	}
	switch {
	case errLast != nil || *last != "" && *from+*to+*mark != "":
		return p.Misuse("-last must be a number of days such as 30d or a duration such as 12h, without -from, -to and -checkpoint")
	case errStart != nil || errEnd != nil:
		return p.Misuse("-from and -to must be dates such as 2026-03-31 or times such as 2026-03-31T18:00:00Z")
	case !end.IsZero() && end.Before(start):
		return p.Misuse("-to is before -from")
	case *unit != "s" && *unit != "ms":
		return p.Misuse("-unit must be s or ms")
	case *format != "csv" && *format != "jsonl":
		return p.Misuse("-format must be csv or jsonl")
	case len(opts.Fields) == 0 || *every < 1 || *limit < 0:
		return p.Misuse("-fields must name a column, -every must be at least 1 and -limit at least 0")
	case *mark != "" && (*path == "" || program.SameFile(*path, *mark) || !program.IsRegular(*path) || end.IsZero() || end.After(time.Now())):
		return p.Misuse("-checkpoint needs -o with a regular file, another file than that of -o, and a -to in the past")
	case *restart && *mark == "":
		return p.Misuse("-restart needs -checkpoint")
	}
	opts.StartDate, opts.EndDate = number(start, *unit), number(end, *unit)

	e := export{Program: p, checkpoint: checkpoint{Export: parameters{*path, *format, opts}}, mark: *mark}
	if *mark != "" {
		for _, path := range []string{*path, *mark} {
			unlock, err := program.Lock(path)
			if err != nil {
				return err
			}
			defer unlock()
		}
		if !*restart {
			if err := e.load(ctx); err != nil {
				return err
			}
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
	outside, err := e.run(ctx, client, opts, *every, func(at time.Time) bool {
		return at.Before(start) || !end.IsZero() && at.After(end)
	})
	more := ""
	switch {
	case err != nil && e.add == nil:
		return explain(err, opts) // nothing was written
	case err != nil && *mark != "":
		more = " Run the same command to continue."
	case err != nil && e.file != nil && !e.file.Direct():
		more = fmt.Sprintf(" %s is unchanged.", *path)
	case outside > 0:
		more = fmt.Sprintf(" Requested outside the period: %d. The server may expect the other -unit.", outside)
	case err == nil && e.Rows == 0:
		fmt.Fprintln(p.Stderr, "No activity in this period.")
		return nil
	}
	verb := "Exported"
	if err != nil {
		verb = "Stopped after"
	}
	fmt.Fprintf(p.Stderr, "%s %s.%s\n", verb, program.Plural(e.Rows, "row"), more)
	return explain(err, opts)
}

// run exports the rows that are not in the checkpoint. It returns the number of
// rows that were requested outside the period.
func (e *export) run(ctx context.Context, client *apono.Client, opts apono.ListActivityOptions, every int, isOutside func(time.Time) bool,
) (outside int, err error) {
	progress := e.Progress()
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
	if err := e.open(ctx); err != nil {
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
		if err = cmp.Or(e.add(row), e.WriteErr()); err != nil {
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

// all iterates over all rows from opts.Skip; the caller has read the first page.
func all(ctx context.Context, client *apono.Client, opts apono.ListActivityOptions, first *apono.OffsetPage[apono.ActivityEntry]) iter.Seq2[*apono.ActivityEntry, error] {
	return func(yield func(*apono.ActivityEntry, error) bool) {
		received := 0
		if first.Offset == opts.Skip { // otherwise ListAll returns an error
			for _, row := range first.Items {
				if received++; !yield(row, nil) {
					return
				}
			}
			if opts.Skip += received; opts.Skip == first.Total || received == 0 && first.Total == 0 {
				return
			}
		}
		for row, err := range client.Activity.ListAll(ctx, opts) {
			if truncated := (*apono.TruncatedError)(nil); errors.As(err, &truncated) {
				truncated.Received += received
			}
			if opts.Skip++; !yield(row, err) || err != nil {
				return
			}
		}
		// ListAll does not know the total of the first page. A total below the
		// number of rows is ignored.
		if opts.Skip < first.Total {
			yield(nil, fmt.Errorf("%w (the total was %s, %d were received)", errMoved, program.Plural(first.Total, "row"), opts.Skip))
		}
	}
}

// compared is the number of exported rows that are compared with the server before
// an export continues.
const compared = 3

var errMoved = errors.New("rows were added or removed in the meantime, so others may be missing or duplicate")

// check compares the first page, which begins with the last exported rows, with
// the checkpoint.
func (e *export) check(page *apono.OffsetPage[apono.ActivityEntry], skip int) error {
	switch {
	case e.Rows == 0 || page.Offset != skip:
		return nil
	case len(e.Last) == 0:
		return fmt.Errorf("%w (%s does not name the last rows): use -restart to start over", errMoved, e.mark)
	case page.Total != e.Total:
		return fmt.Errorf("%w (there were %s, now there are %d): use -restart to start over", errMoved, program.Plural(e.Total, "row"), page.Total)
	}
	for i, row := range page.Items[:min(len(page.Items), len(e.Last))] {
		if identity(row) != e.Last[i] {
			return fmt.Errorf("%w (row %d is not the exported one): use -restart to start over", errMoved, skip+i+1)
		}
	}
	return nil
}

// identity returns a hash of a row. A request can have several rows.
func identity(row *apono.ActivityEntry) string {
	values, _ := members(row) // decoded from JSON, so it cannot fail
	data, _ := json.Marshal(values)
	return fmt.Sprintf("%x", sha256.Sum256(data))
}

// members returns the members of a row.
func members(row *apono.ActivityEntry) (values map[string]any, err error) {
	data, err := json.Marshal(row)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	return values, decoder.Decode(&values)
}

// export is an export in progress.
type export struct {
	*program.Program
	checkpoint
	mark     string        // path of the checkpoint, empty for none
	file     *program.File // the output without a checkpoint, nil for standard output
	appended *os.File      // the output with a checkpoint
	add      func(*apono.ActivityEntry) error
	flush    func() error
}

// maxCheckpoint is the maximum size of a checkpoint in bytes.
const maxCheckpoint = 1 << 20

// checkpoint describes the part of an export that is synced to the output.
type checkpoint struct {
	Export   parameters `json:"export"`
	Rows     int        `json:"rows"`
	Bytes    int64      `json:"bytes"`
	Total    int        `json:"total"` // rows on the server
	Last     []string   `json:"last"`  // identities of the last exported rows
	Complete bool       `json:"complete"`
}

type parameters struct {
	Output  string                    `json:"output"`
	Format  string                    `json:"format"`
	Options apono.ListActivityOptions `json:"options"`
}

// load reads the checkpoint, if there is one.
func (e *export) load(ctx context.Context) error {
	data, err := e.ReadFile(ctx, e.mark, maxCheckpoint)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var saved checkpoint
	if err == nil {
		err = json.Unmarshal(data, &saved) //nolint:musttag // the options have no JSON names
	}
	switch {
	case err != nil:
		return fmt.Errorf("checkpoint %s: %w", e.mark, err)
	case !reflect.DeepEqual(saved.Export, e.Export):
		return fmt.Errorf("%s is the checkpoint of another export: use the same flags, or remove it to start over", e.mark)
	}
	if info, err := os.Stat(saved.Export.Output); saved.Bytes > 0 && (err != nil || info.Size() < saved.Bytes) {
		return fmt.Errorf("%s is shorter than the %d bytes in %s: remove the checkpoint to start over", saved.Export.Output, saved.Bytes, e.mark)
	}
	e.checkpoint = saved
	return nil
}

// open opens the output. With a checkpoint, it truncates the output to the bytes in the
// checkpoint; later rows are exported again.
func (e *export) open(ctx context.Context) (err error) {
	w := e.Stdout
	switch path := e.Export.Output; {
	case e.mark != "":
		flags := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
		if e.Bytes > 0 {
			flags = os.O_WRONLY
		}
		if e.appended, err = os.OpenFile(path, flags, 0o600); err != nil { //nolint:gosec // the file that the user names
			return err
		}
		if e.Bytes > 0 {
			_, err = e.appended.Seek(e.Bytes, io.SeekStart)
			if err = errors.Join(err, e.appended.Truncate(e.Bytes)); err != nil {
				return err
			}
		}
		w = e.appended
	case path != "":
		if e.file, err = e.Create(ctx, path); err != nil {
			return err
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

// close closes the output, which an error leaves unchanged unless there is a checkpoint.
func (e *export) close(err error) error {
	switch {
	case e.appended != nil:
		return cmp.Or(err, e.appended.Close())
	case e.file == nil:
		return err
	case err != nil:
		_ = e.file.Discard()
		return err
	}
	return e.file.Commit()
}

// save syncs all rows to the output and then writes the checkpoint, if there is
// one.
func (e *export) save() error {
	if err := e.flush(); err != nil || e.mark == "" {
		return err
	}
	err := e.appended.Sync()
	if err == nil {
		e.Bytes, err = e.appended.Seek(0, io.SeekCurrent)
	}
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(e.checkpoint, "", "  ") //nolint:musttag // as in load
	if err != nil {
		return err
	}
	return program.WriteFile(e.mark, append(data, '\n'))
}

// addCells writes a row as CSV.
func addCells(w io.Writer, row *apono.ActivityEntry, columns []apono.ReportField) error {
	values, err := members(row)
	if err != nil {
		return err
	}
	cells := make([]string, len(columns))
	for i, name := range columns {
		cells[i] = text(values[string(name)])
	}
	return program.WriteCSV(w, cells)
}

// text returns the text of a cell for a JSON value.
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
	data, _ := json.Marshal(value) // decoded from JSON, so it cannot fail
	return string(data)
}

// list defines a flag for a list of values.
func list[T ~string](p *program.Program, name, usage string, into *[]T) {
	p.Flags.Func(name, usage+", separated by commas", func(values string) error {
		*into = program.List[T](values)
		return nil
	})
}

// moment parses a time, or a date, to which it adds onDates. An empty text is the
// zero time.
func moment(text string, onDates time.Duration) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if date, err := time.Parse(time.DateOnly, text); err == nil {
		return date.Add(onDates), nil
	}
	return time.Parse(time.RFC3339, text)
}

// duration parses a number of days such as "30d", or a positive duration such as "12h". An
// empty text is 0.
func duration(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16) // more would overflow
		if n == 0 {
			err = cmp.Or(err, errors.New("no days"))
		}
		return time.Duration(min(n, 36500)) * 24 * time.Hour, err //nolint:gosec // at most 100 years
	}
	d, err := time.ParseDuration(text)
	if d <= 0 {
		err = cmp.Or(err, errors.New("not positive"))
	}
	return d, err
}

// number returns a time in the unit s or ms, and 0 for the zero time.
func number(t time.Time, unit string) int64 {
	switch {
	case t.IsZero():
		return 0
	case unit == "s":
		return t.Unix()
	}
	return t.UnixMilli()
}

// requested returns the time of a row's request. It is zero if the row has none in
// RFC 3339; the API does not document the format.
func requested(row *apono.ActivityEntry) (at time.Time) {
	if row.RequestDate != nil {
		at, _ = time.Parse(time.RFC3339, *row.RequestDate)
	}
	return at
}

// explain adds advice to errors about pagination, which the API does not document.
func explain(err error, opts apono.ListActivityOptions) error {
	var rejected *apono.APIError
	switch {
	case errors.Is(err, apono.ErrResponseTooLarge):
		return fmt.Errorf("%w: export shorter periods, or try -limit", err)
	case errors.Is(err, apono.ErrTruncated),
		opts.Skip+opts.Limit > 0 && errors.As(err, &rejected) && (rejected.StatusCode == 400 || rejected.StatusCode == 422):
		return fmt.Errorf("%w; the API does not document pagination of activity: "+
			"export shorter periods in the past without -limit, and start over without the checkpoint", err)
	}
	return err
}
