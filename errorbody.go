package apono

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// parseErrorBody finds a code and a message in a body of any form. The API documents
// only {"status": "401", "code": "Unauthorized"}.
func parseErrorBody(header http.Header, body []byte) (code, message string) {
	var value any
	if err := json.Unmarshal(body, &value); err == nil {
		return findCode(value), cut(findMessage(value, 0), maxMessage)
	}
	text := strings.TrimSpace(string(body))
	if strings.HasPrefix(text, "<") || strings.Contains(header.Get("Content-Type"), "html") || !utf8.ValidString(text) {
		return "", ""
	}
	return "", text
}

// Names of members in the error bodies of common frameworks, in lower case, without
// underscores and hyphens. The most likely come first.
var (
	textMembers = []string{
		"message", "msg", "errordescription", "errormessage", "errorsummary", "defaultmessage", "error", "detail", "details",
		"title", "reason", "description",
	}
	// partMembers hold details of a message, each a text or an object.
	partMembers = []string{"errors", "violations", "fields", "fielderrors", "invalidparams", "errorcauses", "detail", "details", "error", "embedded"}
	// byField are those of partMembers that may be objects with a member per field.
	byField      = []string{"errors", "fields", "fielderrors"}
	fieldMembers = []string{"field", "loc", "property", "propertypath", "pointer", "param", "parameter", "path", "name"}
	codeMembers  = []string{"code", "errorcode"}
)

const (
	maxMessage = 4096 // bytes
	maxDepth   = 6
	maxParts   = 20 // of one list
)

// members returns the members of an object by their normalized names.
func members(object map[string]any) map[string]any {
	found := make(map[string]any, len(object))
	for _, name := range slices.Sorted(maps.Keys(object)) {
		found[normalName(name)] = object[name] // lower case sorts last and takes precedence
	}
	return found
}

func normalName(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
}

// findMessage returns the texts of a value. For an object these are the field that it
// is about, its message and its details.
func findMessage(value any, depth int) string {
	if depth > maxDepth {
		return ""
	}
	switch value := value.(type) {
	case string:
		return strings.TrimSpace(value)
	case []any:
		var texts []string
		for _, element := range value[:min(len(value), maxParts)] {
			texts = append(texts, findMessage(element, depth+1))
		}
		return joinTexts("; ", texts...)
	case map[string]any:
		object := members(value)
		var text, source string
		for _, name := range textMembers {
			if text = findMessage(object[name], depth+1); text != "" {
				source = name
				break
			}
		}
		var parts []string
		for _, name := range partMembers {
			if _, plain := object[name].(string); name == source || plain && !slices.Contains(byField, name) {
				continue
			}
			if part := findParts(name, object[name], depth+1); part != text {
				parts = append(parts, part)
			}
		}
		text = joinTexts(": ", text, joinTexts("; ", parts...))
		if depth > 0 && text != "" {
			text = joinTexts(": ", fieldOf(object), text)
		}
		return text
	}
	return ""
}

// findParts returns the texts of one of partMembers.
func findParts(name string, value any, depth int) string {
	fields, ok := value.(map[string]any)
	if !ok || !slices.Contains(byField, name) {
		return findMessage(value, depth)
	}
	var texts []string
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		if len(texts) == maxParts {
			break
		}
		if text := findMessage(fields[field], depth+1); text != "" {
			if slices.Contains(textMembers[:2], normalName(field)) {
				field = "" // the member is a message, not a field
			}
			texts = append(texts, joinTexts(": ", field, text))
		}
	}
	return joinTexts("; ", texts...)
}

// fieldOf returns the name of the field that an object is about, "" if it has none.
func fieldOf(object map[string]any) string {
	for _, name := range fieldMembers {
		switch field := object[name].(type) {
		case string:
			return strings.TrimSpace(field)
		case []any:
			steps := convert(field, func(step any) string { return fmt.Sprint(step) })
			return strings.Join(steps[:min(len(steps), maxParts)], ".")
		}
	}
	return ""
}

// joinTexts joins the texts that are not empty.
func joinTexts(separator string, texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(text string) bool { return text == "" }), separator)
}

func findCode(value any) string {
	plain, _ := value.(map[string]any)
	object := members(plain)
	for _, name := range codeMembers {
		switch code := object[name].(type) {
		case string:
			return code
		case float64:
			return fmt.Sprintf("%v", code)
		}
	}
	if nested, ok := object["error"].(map[string]any); ok {
		return findCode(nested)
	}
	return ""
}

// oneLine makes text from outside fit for a line of a log: no line breaks, no
// addresses of people, no query strings, and not too long.
func oneLine(text string) string {
	const limit = 300
	words := strings.FieldsFunc(strings.ToValidUTF8(text, "\uFFFD"), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
	for i, word := range words {
		if len(word) > 1 && strings.Contains(word, "@") {
			words[i] = "[e-mail]"
		} else if query := strings.Index(word, "?"); query >= 0 && strings.Contains(word, "/") {
			words[i] = word[:query]
		}
	}
	return cut(strings.Join(words, " "), limit)
}

// cut shortens a text to a number of bytes.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	end := limit
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}
