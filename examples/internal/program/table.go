package program

import (
	"io"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// defaultWidth is the width of tables that are not written to a terminal, and of usage.
const defaultWidth = 80

const between = 2 // blanks between columns

// Table describes how [WriteTable] shortens the cells of a table.
type Table struct {
	Width int      // maximum width of the table in columns of a terminal, 0 for no limit
	First []string // headers of the columns that are shortened first, at their end
	Whole []string // headers of the columns that are never shortened
}

// Width returns the width of the terminal on Stdout, or 80 if it is not a terminal.
func (p *Program) Width() int {
	if s, ok := p.Stdout.(*stream); ok && s.screen != nil {
		return terminalWidth(s.file)
	}
	return defaultWidth
}

// terminalWidth returns the width of a terminal, or 80 if it is unknown.
func terminalWidth(file *os.File) int {
	columns, _, _ := term.GetSize(int(file.Fd())) //nolint:gosec // a file descriptor fits in an int
	if columns <= 0 {
		return defaultWidth
	}
	return columns
}

// WriteTable writes rows as a table; the first row is the header. If the table is too
// wide, it shortens the widest of the columns t.First, down to 8 columns, and then the
// widest of the others in the middle of the cell, as long as different cells of a
// column stay different. A shortened cell contains "…". If that is not enough, the table
// is wider than t.Width. Cells are written as by [Clean]; an empty cell is written as "-".
func WriteTable(w io.Writer, rows [][]string, t Table) error {
	columns := make([][]string, len(rows[0]))
	for _, row := range rows {
		for j, text := range row {
			if text = Clean(text); text == "" {
				text = "-"
			}
			columns[j] = append(columns[j], text)
		}
	}
	t.fit(columns, rows[0])
	widths := make([]int, len(columns))
	for j, column := range columns {
		widths[j] = widest(column)
	}
	var b strings.Builder
	for i := range rows {
		var line strings.Builder
		for j, column := range columns {
			line.WriteString(column[i] + strings.Repeat(" ", between+widths[j]-textWidth(column[i])))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// fit shortens the cells of columns until the table fits.
func (t Table) fit(columns [][]string, header []string) {
	widths, least := make([]int, len(columns)), make([]int, len(columns))
	excess := between*(len(columns)-1) - t.Width
	for j, column := range columns {
		widths[j] = widest(column)
		excess += widths[j]
	}
	if t.Width == 0 || excess <= 0 {
		return
	}
	shrink := func(may func(j int) bool) {
		for ; excess > 0; excess-- {
			at := -1
			for j := range columns {
				if may(j) && widths[j] > least[j] && (at < 0 || widths[j] > widths[at]) {
					at = j
				}
			}
			if at < 0 {
				return
			}
			widths[at]--
		}
	}
	first := func(j int) bool { return slices.Contains(t.First, header[j]) }
	other := func(j int) bool { return !first(j) && !slices.Contains(t.Whole, header[j]) }
	for j := range columns {
		if least[j] = max(textWidth(columns[j][0]), 8); other(j) {
			least[j] = leastDistinct(columns[j], least[j])
		}
	}
	shrink(first)
	shrink(other)
	for j, column := range columns {
		cut := cutMiddle
		if first(j) {
			cut = cutEnd
		}
		for i := range column {
			column[i] = cut(column[i], widths[j])
		}
	}
}

// leastDistinct returns the smallest width, but at least least, to which the cells of a
// column can be shortened in the middle so that different cells stay different.
func leastDistinct(column []string, least int) int {
	cells := slices.Compact(slices.Sorted(slices.Values(column)))
	for to := widest(cells); to > least; to-- {
		short := make(map[string]bool, len(cells))
		for _, cell := range cells {
			cell = cutMiddle(cell, to-1)
			if short[cell] {
				return to
			}
			short[cell] = true
		}
	}
	return least
}

func widest(cells []string) int {
	most := 0
	for _, cell := range cells {
		most = max(most, textWidth(cell))
	}
	return most
}

// textWidth returns the number of columns in which a terminal shows a text.
func textWidth(text string) int {
	columns := 0
	for _, r := range text {
		columns += runeWidth(r)
	}
	return columns
}

// wide are the characters that take two columns, as of wcwidth: East Asian scripts,
// full-width forms and emoji.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x1100, 0x115f, 1}, {0x2e80, 0x303e, 1}, {0x3041, 0xa4cf, 1}, {0xac00, 0xd7a3, 1},
		{0xf900, 0xfaff, 1}, {0xfe30, 0xfe6f, 1}, {0xff00, 0xff60, 1}, {0xffe0, 0xffe6, 1},
	},
	R32: []unicode.Range32{{0x1f300, 0x1f64f, 1}, {0x1f900, 0x1f9ff, 1}, {0x20000, 0x3fffd, 1}},
}

func runeWidth(r rune) int {
	if r < utf8.RuneSelf {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	if unicode.Is(wide, r) {
		return 2
	}
	return 1
}

// cutEnd shortens text to a number of columns; shortened text ends with "…".
func cutEnd(text string, columns int) string {
	if textWidth(text) <= columns {
		return text
	}
	return head(text, columns-1) + "…"
}

// cutMiddle shortens text to a number of columns; shortened text has "…" in its middle.
func cutMiddle(text string, columns int) string {
	if textWidth(text) <= columns {
		return text
	}
	start := head(text, columns/2)
	at, left := len(text), columns-1-textWidth(start)
	for at > 0 {
		r, size := utf8.DecodeLastRuneInString(text[:at])
		if left -= runeWidth(r); left < 0 {
			break
		}
		at -= size
	}
	return start + "…" + text[at:]
}

// head returns the longest start of text that is at most this number of columns wide.
func head(text string, columns int) string {
	for i, r := range text {
		if columns -= runeWidth(r); columns < 0 {
			return text[:i]
		}
	}
	return text
}

// wrap breaks the lines of flag usage between words so that they fit in 80 columns.
// Continued lines keep the indentation.
func wrap(usage string) string {
	usage = strings.ReplaceAll(usage, "\t", "    ")
	var b strings.Builder
	for line := range strings.Lines(usage) {
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		for utf8.RuneCountInString(line) > defaultWidth+1 { // 1 for the newline
			at := strings.LastIndexByte(line[:defaultWidth+1], ' ')
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
