package apono

import (
	"context"
	"iter"
	"net/http"

	"github.com/apono-go/apono/internal/operation"
)

// ActivityService reads the activity: requests, grants and revocations.
//
// API section: Activity.
type ActivityService struct{ client *Client }

var listActivity = operation.New("Activity.List", http.MethodGet, "/api/v3/activity").Identified("")

// ReportField is a column of activity.
type ReportField string

// The columns. Those without a field in [ActivityEntry] are returned in its
// Extra.
const (
	ReportFieldRequestID         ReportField = "request_id"
	ReportFieldRequestDate       ReportField = "request_date"
	ReportFieldRequestGrantDate  ReportField = "request_grant_date"
	ReportFieldRequestRevokeDate ReportField = "request_revoke_date"
	ReportFieldRequestorName     ReportField = "requestor_name"
	ReportFieldRequestorEmail    ReportField = "requestor_email"
	ReportFieldGranteeName       ReportField = "grantee_name"
	ReportFieldGranteeID         ReportField = "grantee_id"
	ReportFieldGranteeType       ReportField = "grantee_type"
	ReportFieldIntegration       ReportField = "integration"
	ReportFieldResources         ReportField = "resources"
	ReportFieldResourceType      ReportField = "resource_type"
	ReportFieldPermissions       ReportField = "permissions"
	ReportFieldApproverNames     ReportField = "approver_names"
	ReportFieldApproverEmails    ReportField = "approver_emails"
	ReportFieldApproverTypes     ReportField = "approver_types"
	ReportFieldJustification     ReportField = "justification"
	ReportFieldStatus            ReportField = "status"
	ReportFieldApproverReason    ReportField = "approver_reason"
	ReportFieldResourcesStatus   ReportField = "resources_status"
	ReportFieldTriggerType       ReportField = "trigger_type"
	ReportFieldAccessFlow        ReportField = "access_flow"
	ReportFieldBundleName        ReportField = "bundle_name"
	ReportFieldExtensionCount    ReportField = "extension_count"
)

// ActivityEntry is a row of activity. Only the requested columns are set.
type ActivityEntry struct {
	RequestID *string `json:"request_id,omitzero"`
	// RequestDate has no documented format.
	RequestDate    *string  `json:"request_date,omitzero"`
	RequestorName  *string  `json:"requestor_name,omitzero"`
	RequestorEmail *string  `json:"requestor_email,omitzero"`
	Integration    *string  `json:"integration,omitzero"`
	ResourceType   *string  `json:"resource_type,omitzero"`
	Resources      []string `json:"resources,omitzero"`
	Permissions    []string `json:"permissions,omitzero"`
	Justification  *string  `json:"justification,omitzero"`
	Status         *string  `json:"status,omitzero"`
	TriggerType    *string  `json:"trigger_type,omitzero"`
	AccessFlow     *string  `json:"access_flow,omitzero"`
	// ExtensionCount is a number as a string.
	ExtensionCount *string `json:"extension_count,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// ListActivityOptions filters and pages the activity. All filters must match, each with
// at least one of its values.
type ListActivityOptions struct {
	Limit int `url:"limit,omitempty"`
	Skip  int `url:"skip,omitempty"`
	// StartDate and EndDate are in seconds or milliseconds; the API does not
	// document which. 0 is not sent.
	StartDate int64 `url:"start_date,omitempty"`
	EndDate   int64 `url:"end_date,omitempty"`
	// Fields are the columns to return; if empty, the server chooses.
	Fields          []ReportField `url:"fields,omitempty"`
	AccessFlowID    []string      `url:"filter[access_flow_id],omitempty"`
	AccessRequestID []string      `url:"filter[access_request_id],omitempty"`
	IntegrationID   []string      `url:"filter[integration_id],omitempty"`
	Permission      []string      `url:"filter[permission],omitempty"`
	RequestorID     []string      `url:"filter[requestor_id],omitempty"`
	Resource        []string      `url:"filter[resource],omitempty"`
	ResourceType    []string      `url:"filter[resource_type],omitempty"`
	// Status and TriggerType have no documented values.
	Status      []string `url:"filter[status],omitempty"`
	TriggerType []string `url:"filter[trigger_type],omitempty"`
}

// List returns a page of the activity.
//
// GET /api/v3/activity
func (s *ActivityService) List(ctx context.Context, opts ...ListActivityOptions) (*OffsetPage[ActivityEntry], error) {
	return listOffset[ActivityEntry](ctx, s.client, listActivity, opts)
}

// ListAll returns an iterator over the activity. Set EndDate; otherwise new rows can end
// the list with [ErrTruncated].
//
// GET /api/v3/activity
func (s *ActivityService) ListAll(ctx context.Context, opts ...ListActivityOptions) iter.Seq2[*ActivityEntry, error] {
	return listAllOffset[ActivityEntry](ctx, s.client, listActivity, opts)
}

// mayEqualOthers reports whether the row may equal a different one, because the ID of
// the access request was not requested.
func (e *ActivityEntry) mayEqualOthers() bool { return e.RequestID == nil }
