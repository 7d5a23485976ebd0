package program

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"
	"unicode/utf8"
)

// Width is the maximum width of a table, in columns of a terminal.
const Width = 80

const between = 2 // blanks between columns

// WriteTable writes rows as a table; the first row is the header. Unless wide is
// set, it cuts the cells of the widest columns until the table is at most [Width]
// wide, and ends each cut cell with "…". An empty cell is written as "-".
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

// narrow reduces the widest columns until the table fits in Width.
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

// Cut shortens text to width characters; shortened text ends with "…".
func Cut(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:max(width-1, 0)]) + "…"
}

// wrap breaks the lines of flag usage between words so that they fit in Width.
// Continued lines keep the indentation.
func wrap(usage string) string {
	usage = strings.ReplaceAll(usage, "\t", "    ")
	var b strings.Builder
	for line := range strings.Lines(usage) {
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		for utf8.RuneCountInString(line) > Width+1 { // 1 for the newline
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

// oneLine replaces control characters with spaces and trims the result.
func oneLine(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text))
}

// WriteCSV writes a line of a CSV file. It puts an apostrophe before a cell that
// a spreadsheet might evaluate as a formula. A cell with a semicolon is quoted,
// since spreadsheets in many locales use semicolons as separators.
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

// isFormula reports whether a spreadsheet might evaluate text as a formula.
// Spreadsheets skip white space and marks before one.
func isFormula(text string) bool {
	rest := strings.TrimLeftFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.In(r, unicode.Cc, unicode.Cf) // Cf includes the byte order mark
	})
	return strings.IndexAny(rest, "=+-@＝＋－＠") == 0 || strings.IndexAny(text, "\t\r\n") == 0
}
