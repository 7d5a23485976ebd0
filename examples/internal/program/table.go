package program

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"
	"unicode/utf8"
)

// Width is how many columns of a terminal a table takes.
const Width = 80

const between = 2 // blanks from column to column

// WriteTable writes rows, the first of them being the header. A table that does
// not fit a terminal is cut in its widest columns, which "…" shows, unless it is
// to be wide. Empty cells show as "-".
func WriteTable(w io.Writer, rows [][]string, wide bool) error {
	var widths []int
	cells := make([][]string, len(rows))
	for i, row := range rows {
		cells[i] = make([]string, len(row))
		for j, text := range row {
			text = oneLine(text)
			if cells[i][j] = text; text == "" {
				cells[i][j] = "-"
			}
			if j == len(widths) {
				widths = append(widths, 0)
			}
			widths[j] = max(widths[j], utf8.RuneCountInString(cells[i][j]))
		}
	}
	if !wide {
		narrow(widths)
	}
	table := tabwriter.NewWriter(w, 0, 0, between, ' ', 0)
	for _, row := range cells {
		for j, text := range row {
			row[j] = Cut(text, widths[j])
		}
		fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	return table.Flush()
}

// narrow takes from the widest columns until all of them fit.
func narrow(widths []int) {
	total := between * (len(widths) - 1)
	for _, width := range widths {
		total += width
	}
	for ; total > Width; total-- {
		widest := 0
		for i, width := range widths {
			if width > widths[widest] {
				widest = i
			}
		}
		widths[widest]--
	}
}

// Cut returns text of at most so many characters, with "…" where it was cut.
func Cut(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:max(width-1, 0)]) + "…"
}

// wrap breaks the lines of the usage of flags, which begin with white space, where
// a terminal would break them in the middle of a word.
func wrap(usage string) string {
	usage = strings.ReplaceAll(usage, "\t", "    ")
	var b strings.Builder
	for line := range strings.Lines(usage) {
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		for utf8.RuneCountInString(line) > Width+1 { // with the end of the line
			at := strings.LastIndexByte(line[:Width+1], ' ')
			if at <= len(indent) {
				break
			}
			b.WriteString(line[:at] + "\n")
			line = indent + line[at+1:]
		}
		b.WriteString(line)
	}
	return b.String()
}

// oneLine returns text without what would move the columns or the cursor.
func oneLine(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text))
}

// WriteCSV writes a line of a CSV file. A cell that a spreadsheet would take for
// a formula, whatever white space and marks it skips before one, begins with an
// apostrophe. A cell with a semicolon is quoted, for that is what separates cells
// in many countries.
func WriteCSV(w io.Writer, cells []string) error {
	quoted := make([]string, len(cells))
	for i, text := range cells {
		if isFormula(text) {
			text = "'" + text
		}
		if strings.ContainsAny(text, ",;\"\r\n") || strings.TrimSpace(text) != text {
			text = `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
		}
		quoted[i] = text
	}
	_, err := fmt.Fprintln(w, strings.Join(quoted, ","))
	return err
}

func isFormula(text string) bool {
	rest := strings.TrimLeftFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.In(r, unicode.Cc, unicode.Cf) // Cf has the byte order mark
	})
	return strings.IndexAny(rest, "=+-@＝＋－＠") == 0 || strings.IndexAny(text, "\t\r\n") == 0
}
