package main

import (
	"fmt"
	"slices"
	"strings"
)

const around = 2 // unchanged lines shown before and after a changed one

// difference returns the lines in which two texts differ, with context.
func difference(before, after string) string {
	lines := compare(strings.Split(strings.TrimSuffix(before, "\n"), "\n"), strings.Split(strings.TrimSuffix(after, "\n"), "\n"))
	var b strings.Builder
	skipped := false
	for i, line := range lines {
		near := lines[max(0, i-around):min(len(lines), i+around+1)]
		if !slices.ContainsFunc(near, func(l string) bool { return l[0] != ' ' }) {
			skipped = true
			continue
		}
		if skipped && b.Len() > 0 {
			b.WriteString("    ...\n")
		}
		skipped = false
		fmt.Fprintf(&b, "    %s\n", line)
	}
	return b.String()
}

// smallTable is the number of pairs of lines up to which the longest common subsequence is
// computed.
const smallTable = 1 << 18

// compare returns the lines of two texts in order. Common lines have the prefix
// " ", lines only in before "-", and lines only in after "+". In long texts, it looks
// for lines that occur once in each, and compares what is between them.
func compare(before, after []string) []string {
	start := 0
	for start < min(len(before), len(after)) && before[start] == after[start] {
		start++
	}
	end := 0
	for end < min(len(before), len(after))-start && before[len(before)-1-end] == after[len(after)-1-end] {
		end++
	}
	lines := prefixed(" ", before[:start])
	rest := prefixed(" ", before[len(before)-end:])
	before, after = before[start:len(before)-end], after[start:len(after)-end]
	if len(before)*len(after) <= smallTable {
		lines = append(lines, compareAll(before, after)...)
		return append(lines, rest...)
	}
	anchors := uniqueLines(before, after)
	if len(anchors) == 0 {
		lines = append(append(lines, prefixed("-", before)...), prefixed("+", after)...)
		return append(lines, rest...)
	}
	i, j := 0, 0
	for _, at := range append(anchors, [2]int{len(before), len(after)}) {
		lines = append(lines, compare(before[i:at[0]], after[j:at[1]])...)
		if at[0] < len(before) {
			lines = append(lines, " "+before[at[0]])
		}
		i, j = at[0]+1, at[1]+1
	}
	return append(lines, rest...)
}

func prefixed(prefix string, lines []string) []string {
	all := make([]string, 0, len(lines))
	for _, line := range lines {
		all = append(all, prefix+line)
	}
	return all
}

// uniqueLines returns the places of lines that occur once in each text and in the same
// order: the longest increasing subsequence.
func uniqueLines(before, after []string) [][2]int {
	type occurrences struct{ before, after, at int }
	count := map[string]occurrences{}
	for _, line := range before {
		o := count[line]
		o.before++
		count[line] = o
	}
	for j, line := range after {
		o := count[line]
		o.after, o.at = o.after+1, j
		count[line] = o
	}
	type link struct {
		at       [2]int
		previous *link
	}
	var ends []*link // by length, the subsequence with the smallest last place
	for i, line := range before {
		o := count[line]
		if o.before != 1 || o.after != 1 {
			continue
		}
		length, _ := slices.BinarySearchFunc(ends, o.at, func(l *link, at int) int { return l.at[1] - at })
		added := &link{at: [2]int{i, o.at}}
		if length > 0 {
			added.previous = ends[length-1]
		}
		if length == len(ends) {
			ends = append(ends, nil)
		}
		ends[length] = added
	}
	var anchors [][2]int
	if len(ends) > 0 {
		for l := ends[len(ends)-1]; l != nil; l = l.previous {
			anchors = append(anchors, l.at)
		}
	}
	slices.Reverse(anchors)
	return anchors
}

// compareAll is compare with the longest common subsequence of all lines.
func compareAll(before, after []string) []string {
	common := make([][]int, len(before)+1) // lengths for the rests of both texts
	for i := range common {
		common[i] = make([]int, len(after)+1)
	}
	for i, old := range slices.Backward(before) {
		for j, text := range slices.Backward(after) {
			common[i][j] = max(common[i+1][j], common[i][j+1])
			if old == text {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	var lines []string
	for i, j := 0, 0; i < len(before) || j < len(after); {
		switch {
		case i < len(before) && j < len(after) && before[i] == after[j]:
			lines = append(lines, " "+before[i])
			i, j = i+1, j+1
		case j == len(after) || i < len(before) && common[i+1][j] >= common[i][j+1]:
			lines = append(lines, "-"+before[i])
			i++
		default:
			lines = append(lines, "+"+after[j])
			j++
		}
	}
	return lines
}
