package program

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// WriteCSV writes a line of a CSV file. It puts an apostrophe before text that a
// spreadsheet might evaluate as a formula, at the start of a cell and after each
// semicolon, tab and line break in it, since spreadsheets in many locales use semicolons
// as separators and then do not recognize the quotes around the cell.
func WriteCSV(w io.Writer, cells []string) error {
	quoted := make([]string, len(cells))
	for i, text := range cells {
		text = withoutFormulas(text)
		if strings.ContainsAny(text, ",;\"\t\r\n") || strings.TrimSpace(text) != text {
			text = `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
		}
		quoted[i] = text
	}
	_, err := fmt.Fprintln(w, strings.Join(quoted, ","))
	return err
}

// withoutFormulas puts an apostrophe before each part of a cell that could be taken for
// a cell with a formula.
func withoutFormulas(text string) string {
	var b strings.Builder
	if strings.IndexAny(text, "\t\r\n") == 0 {
		b.WriteByte('\'')
	}
	for first := true; text != ""; first = false {
		end := strings.IndexAny(text, ";\t\r\n") + 1
		if end == 0 {
			end = len(text)
		}
		part := text[:end]
		if isFormula(part) || !first && isFormula(strings.TrimLeft(part, `"`)) { // quotes could open and close a cell
			b.WriteByte('\'')
		}
		b.WriteString(part)
		text = text[end:]
	}
	return b.String()
}

// isFormula reports whether a spreadsheet might evaluate text as a formula.
// Spreadsheets skip white space and marks before one.
func isFormula(text string) bool {
	rest := strings.TrimLeftFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.In(r, unicode.Cc, unicode.Cf) // Cf includes the byte order mark
	})
	return strings.IndexAny(rest, "=+-@＝＋－＠") == 0
}
