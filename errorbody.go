package apono

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/apono-go/apono/internal/wire"
)

// Bounds in bytes, levels, and reasons of one list or object.
const maxMessage, maxDepth, maxReasons = 4096, 6, 20

// parseErrorBody finds a code and a message in a body of any form. The API documents
// only {"status": "401", "code": "Unauthorized"}.
func parseErrorBody(header http.Header, body []byte) (code, message string) {
	body = bytes.TrimSpace(wire.TrimMark(body))
	var value any
	if err := json.Unmarshal(body, &value); err == nil {
		object, _ := value.(map[string]any)
		return codeOf(normalized(object)), cut(reasons(value, inBody, 0), maxMessage)
	}
	if isMarkup(header, body) || encodingOf(header) != "" || !utf8.Valid(body) {
		return "", ""
	}
	return "", string(body)
}

// Names of members, in lower case, without underscores and hyphens. The most likely come
// first.
var (
	messageNames = []string{
		"message", "msg", "errordescription", "errormessage", "errorsummary", "defaultmessage", "error", "detail", "details",
		"title", "reason", "description",
	}
	// The last ones name a field in lists only: elsewhere an exception or the request.
	fieldNames = []string{"field", "loc", "property", "propertypath", "pointer", "param", "parameter", "instancepath", "source", "target", "path", "name"}
	listNames  = slices.Index(fieldNames, "source")
	// Ends of names, without an s, of members that hold reasons and are not fields. An
	// object in one of the last three has a member for each field.
	holderNames = []string{"detail", "violation", "issue", "message", "cause", "invalidparam", "embedded", "error", "constraint", "field"}
)

// place is where a value stands in an error body.
type place int

const (
	inBody   place = iota
	inList         // an element of a list of reasons
	inFields       // an object with a member for each field
	inField        // a value of such a member
)

// reasons returns the strings of a value in an error body. An object with a message is
// one reason, and only its members that hold further ones are read. In other objects,
// members are named after fields.
func reasons(value any, at place, depth int) string {
	if depth > maxDepth {
		return ""
	}
	var found []string
	switch value := value.(type) {
	case string:
		return strings.TrimSpace(value)
	case []any:
		if at == inBody {
			at = inList
		}
		for _, element := range value[:min(len(value), maxReasons)] {
			found = append(found, reasons(element, at, depth+1))
		}
	case map[string]any:
		object := normalized(value)
		message, source := messageOf(object, at, depth)
		for _, name := range slices.Sorted(maps.Keys(value)) {
			if message != "" && normalName(name) == source || len(found) == maxReasons {
				continue
			}
			if reason := memberReasons(name, value[name], message, at, depth+1); reason != message {
				found = append(found, reason)
			}
		}
		text, field := joinTexts(": ", message, joinTexts("; ", found...)), fieldOf(object, at)
		if text == "" && field != "" {
			text = codeOf(object)
		}
		if text != "" {
			return joinTexts(": ", field, strings.TrimPrefix(text, field+": "))
		}
	}
	return joinTexts("; ", found...)
}

// messageOf returns the message of an object and the name of its member, "" for none.
func messageOf(object map[string]any, at place, depth int) (message, name string) {
	for i, name := range messageNames {
		_, isText := object[name].(string)
		_, isList := object[name].([]any)
		if at != inFields && (isText || isList && i < 2) {
			if message := reasons(object[name], inBody, depth+1); message != "" {
				return message, name
			}
		}
	}
	return "", ""
}

// memberReasons returns the reasons in a member of an object with a message.
func memberReasons(name string, value any, message string, at place, depth int) string {
	text, isText := value.(string)
	_, isObject := value.(map[string]any)
	normal := normalName(name)
	holder := slices.IndexFunc(holderNames, func(end string) bool { return strings.HasSuffix(strings.TrimSuffix(normal, "s"), end) })
	switch {
	case at == inFields && slices.Contains(messageNames[:2], normal):
		return reasons(value, inField, depth)
	case at == inFields:
		at = inField
	case at != inField && isText && slices.Contains(fieldNames[:listNames], normal),
		holder >= 0 && isText && message != "" && !strings.HasSuffix(normal, "s") && normal != "detail":
		return "" // the name of a field, or a text such as "Bad Request"
	case holder >= 0:
		if at = inBody; isObject && holder >= len(holderNames)-3 && strings.HasSuffix(normal, "s") {
			at = inFields
		}
		return reasons(value, at, depth)
	case message != "", isText && at != inField && (!strings.Contains(text, " ") || strings.Contains(normal, "time")):
		return "" // about the reason, an identifier or a time
	}
	if text = reasons(value, at, depth); text == "" {
		return ""
	}
	return name + ": " + strings.TrimPrefix(text, name+": ")
}

// fieldOf returns the name of the field that an object is about, "" if it has none.
func fieldOf(object map[string]any, at place) string {
	names := fieldNames
	switch at {
	case inBody:
		names = fieldNames[:listNames]
	case inFields, inField:
		names = nil // the name of the member says it
	}
	for _, name := range names {
		switch field := object[name].(type) {
		case string:
			return strings.TrimSpace(field)
		case []any:
			steps := convert(field, func(step any) string { return fmt.Sprint(step) })
			return strings.Join(steps[:min(len(steps), maxReasons)], ".")
		case map[string]any:
			return fieldOf(normalized(field), inBody)
		}
	}
	return ""
}

// codeOf returns the code of an object, or of the object in its member error.
func codeOf(object map[string]any) string {
	for _, name := range []string{"code", "errorcode"} {
		switch code := object[name].(type) {
		case string, float64:
			return fmt.Sprint(code)
		}
	}
	if nested, ok := object["error"].(map[string]any); ok {
		return codeOf(normalized(nested))
	}
	return ""
}

// normalized returns the members of an object by their normalized names.
func normalized(object map[string]any) map[string]any {
	found := make(map[string]any, len(object))
	for _, name := range slices.Sorted(maps.Keys(object)) {
		found[normalName(name)] = object[name] // lower case sorts last and takes precedence
	}
	return found
}

func normalName(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
}
