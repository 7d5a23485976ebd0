package apono_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
)

// Create a space with a scope, a member and an access flow, and delete them.
func ExampleSpacesService() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client, ctx := server.Client(), context.Background()

	scope, err := client.SpaceScopes.Create(ctx, apono.SpaceScopeInput{
		Name: "Billing resources", Query: `integration contains "billing"`,
	})
	if err != nil {
		log.Fatal(err)
	}
	space, err := client.Spaces.Create(ctx, apono.CreateSpaceInput{
		Name: "Billing", SpaceScopeReferences: []string{scope.ID},
	})
	if err != nil {
		log.Fatal(err)
	}
	member, err := client.Spaces.SetMember(ctx, "Billing", "ada.billing@example.com", apono.SpaceMemberRolesInput{
		IdentityType: apono.SpaceIdentityTypeUser, SpaceRoles: []apono.SpaceRole{apono.SpaceRoleOwner},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(member.Name, member.SpaceRoles, "in", space.Name)

	flow, err := client.AccessFlows.Create(ctx, apono.AccessFlowInput{
		Name: "Billing databases", Active: true, Trigger: apono.AccessFlowTriggerSelfServe,
		Requestors: apono.ConditionGroupInput{
			LogicalOperator: apono.LogicalOperatorOr,
			Conditions:      []apono.ConditionInput{{Type: apono.ConditionTypeGroup, Values: []string{"group-billing"}}},
		},
		AccessTargets: []apono.AccessTargetInput{
			{QueryTarget: &apono.QueryTarget{Query: `resource_type = "postgresql-database"`}},
		},
		ApproverPolicy: &apono.ApproverPolicyInput{
			ApprovalMode: apono.ApprovalModeAnyOf,
			ApproverGroups: []apono.ApproverGroupInput{{
				LogicalOperator: apono.LogicalOperatorOr,
				Approvers:       []apono.ConditionInput{{Type: apono.ConditionTypeGroup, Values: []string{"group-leads"}}},
			}},
		},
		GrantDurationInMin: new(60),
	}, apono.SpaceOptions{SpaceReference: space.Name})
	if err != nil {
		log.Fatal(err)
	}
	inBilling := apono.ListAccessFlowsOptions{SpaceReferences: []string{space.ID}}
	for flow, err := range client.AccessFlows.ListAll(ctx, inBilling) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(flow.Name, "for", flow.RequestorIdentityType, "in", flow.Space.SpaceName)
	}

	err = errors.Join(
		client.AccessFlows.Delete(ctx, flow.ID),
		client.Spaces.RemoveMember(ctx, space.ID, member.IdentityID),
		client.Spaces.Delete(ctx, space.ID),
		client.SpaceScopes.Delete(ctx, scope.ID),
	)
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Spaces.Get(ctx, space.ID)
	fmt.Println("deleted:", errors.Is(err, apono.ErrNotFound))
	// Output:
	// Ada of billing [SpaceOwner] in Billing
	// Billing databases for HUMAN in Billing
	// deleted: true
}
