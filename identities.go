package apono

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"

	"github.com/apono-go/apono/internal/operation"
)

// IdentitiesService reads identities of every kind, and reads and writes the
// attributes of identities in bulk.
//
// API section: Identities.
type IdentitiesService struct{ client *Client }

var (
	listIdentities           = operation.New("Identities.List", http.MethodGet, "/api/v2/identities")
	listIdentityAttributes   = operation.New("Identities.ListAttributes", http.MethodGet, "/api/v2/bulk/identities/attributes").Identified("email")
	upsertIdentityAttributes = operation.New("Identities.UpsertAttributes", http.MethodPut, "/api/v2/bulk/identities/attributes").Requires("summary", "results")
	deleteIdentityAttributes = operation.New("Identities.DeleteAttributes", http.MethodDelete, "/api/v2/bulk/identities/attributes").Requires("summary", "results")
)

// IdentityType is a type of identity. The API may return other values.
type IdentityType string

// The known types. A context attribute represents all identities that have it.
const (
	IdentityTypeUser             IdentityType = "USER"
	IdentityTypeGroup            IdentityType = "GROUP"
	IdentityTypeContextAttribute IdentityType = "CONTEXT_ATTRIBUTE"
)

// Identity is a user, a group or a value of an attribute.
type Identity struct {
	Type IdentityType `json:"type"`
	Name string       `json:"name"`
	ID   string       `json:"id"`

	Extra Extra `json:",embed,inline"`
}

// IdentityAttributes are attributes of one identity.
type IdentityAttributes struct {
	Email string `json:"email"`
	// Attributes holds the values by attribute type.
	Attributes map[string]string `json:"attributes"`

	Extra Extra `json:",embed,inline"`
}

// IdentityAttributeKeys are the types of attributes of one identity.
type IdentityAttributeKeys struct {
	Email          string   `json:"email"`
	AttributeTypes []string `json:"attribute_types"`
}

// IdentityAttributesResult is the result of a bulk call.
type IdentityAttributesResult struct {
	Summary IdentityAttributesSummary `json:"summary"`
	Results []IdentityResult          `json:"results"`

	Extra Extra `json:",embed,inline"`
}

// IdentityAttributesSummary counts the items of a bulk call.
type IdentityAttributesSummary struct {
	Total     int `json:"total"`
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`

	Extra Extra `json:",embed,inline"`
}

// IdentityResult is the result for one item of a bulk call.
type IdentityResult struct {
	Email   string                `json:"email"`
	Success bool                  `json:"success"`
	Errors  []IdentityResultError `json:"errors"`

	Extra Extra `json:",embed,inline"`
}

// IdentityResultError says why an item of a bulk call was rejected.
type IdentityResultError struct {
	// ErrorCode has no documented values.
	ErrorCode    string `json:"error_code"`
	ErrorDetails string `json:"error_details"`

	Extra Extra `json:",embed,inline"`
}

// ListIdentitiesOptions pages the list of identities.
type ListIdentitiesOptions struct {
	Limit int `url:"limit,omitempty"`
	// Skip counts identities.
	Skip int `url:"skip,omitempty"`
}

// ListIdentityAttributesOptions filters and pages a list of attributes.
type ListIdentityAttributesOptions struct {
	// Limit is the page size; 0 means the server's default of 100.
	Limit int `url:"limit,omitempty"`
	// Skip counts identities.
	Skip   int      `url:"skip,omitempty"`
	Emails []string `url:"emails,omitempty"`
}

// List returns a page of identities.
//
// GET /api/v2/identities
func (s *IdentitiesService) List(ctx context.Context, opts ...ListIdentitiesOptions) (*OffsetPage[Identity], error) {
	return listOffset[Identity](ctx, s.client, listIdentities, opts)
}

// ListAll returns an iterator over all identities.
//
// GET /api/v2/identities
func (s *IdentitiesService) ListAll(ctx context.Context, opts ...ListIdentitiesOptions) iter.Seq2[*Identity, error] {
	return listAllOffset[Identity](ctx, s.client, listIdentities, opts)
}

// ListAttributes returns a page of the attributes of identities.
//
// GET /api/v2/bulk/identities/attributes
func (s *IdentitiesService) ListAttributes(ctx context.Context, opts ...ListIdentityAttributesOptions) (*OffsetPage[IdentityAttributes], error) {
	return listOffset[IdentityAttributes](ctx, s.client, listIdentityAttributes, opts)
}

// ListAllAttributes returns an iterator over the attributes of all identities.
//
// GET /api/v2/bulk/identities/attributes
func (s *IdentitiesService) ListAllAttributes(ctx context.Context, opts ...ListIdentityAttributesOptions) iter.Seq2[*IdentityAttributes, error] {
	return listAllOffset[IdentityAttributes](ctx, s.client, listIdentityAttributes, opts)
}

// UpsertAttributes adds attributes to identities, or replaces those of the same
// type. If the server rejects items, it returns the result and a [*BulkError];
// the other items have been applied.
//
// PUT /api/v2/bulk/identities/attributes
func (s *IdentitiesService) UpsertAttributes(ctx context.Context, in []IdentityAttributes) (*IdentityAttributesResult, error) {
	return bulk(ctx, s.client, upsertIdentityAttributes, in)
}

// DeleteAttributes removes attributes from identities. If the server rejects
// items, it returns the result and a [*BulkError]; the other items have been
// applied.
//
// DELETE /api/v2/bulk/identities/attributes
func (s *IdentitiesService) DeleteAttributes(ctx context.Context, in []IdentityAttributeKeys) (*IdentityAttributesResult, error) {
	return bulk(ctx, s.client, deleteIdentityAttributes, in)
}

// BulkError reports the items of a bulk call that the server rejected.
type BulkError struct {
	// Total is the number of items sent.
	Total int
	// Failed are the rejected items. It is empty if the server counts failures
	// and does not list them.
	Failed []IdentityResult
}

// Error returns the number of rejected items and the first reason. It does not contain
// identities.
func (e *BulkError) Error() string {
	if len(e.Failed) == 0 {
		return fmt.Sprintf("apono: some of %d items were rejected; the server does not list them", e.Total)
	}
	text := fmt.Sprintf("apono: %d of %d items were rejected", len(e.Failed), e.Total)
	for _, item := range e.Failed {
		for _, reason := range item.Errors {
			if first := reason.text(item.Email); first != "" {
				return text + ", the first with " + first
			}
		}
	}
	return text
}

// text returns the reason in one line, with the identity masked.
func (e IdentityResultError) text(identity string) string {
	parts := slices.DeleteFunc([]string{e.ErrorCode, e.ErrorDetails}, func(part string) bool { return part == "" })
	text := strings.Join(parts, ": ")
	if identity != "" {
		text = strings.ReplaceAll(text, identity, "[e-mail]")
	}
	return oneLine(text)
}

// bulk sends items and returns the rejected ones as an error, even if the summary counts
// none. A response without any item is a [DecodeError], because it would look like
// success.
func bulk[T any](ctx context.Context, c *Client, op *operation.Operation, in []T) (*IdentityAttributesResult, error) {
	resp, err := c.call(ctx, op, in)
	result, err := decode[IdentityAttributesResult](resp, err)
	if err != nil {
		return nil, err
	}
	rejected := &BulkError{Total: max(result.Summary.Total, len(result.Results))}
	if rejected.Total == 0 && result.Summary.Failed == 0 && len(in) > 0 {
		return nil, resp.decodeError(errors.New("summary and results lack the items of the request"))
	}
	for _, item := range result.Results {
		if !item.Success {
			rejected.Failed = append(rejected.Failed, item)
		}
	}
	if len(rejected.Failed) > 0 || result.Summary.Failed > 0 {
		return result, rejected
	}
	return result, nil
}
