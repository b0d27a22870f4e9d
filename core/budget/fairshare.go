package budget

import (
	"cmp"
	"slices"
)

// usage is what one container takes, as far as the choice of deletions needs to know.
type usage struct {
	// takenBytes counts its live and rotated files, keptBytes and files the rotated ones
	// alone.
	takenBytes, keptBytes int64
	files                 int
	// ended says that none of its processes writes any more.
	ended bool
	// withheld says that it cannot give now: its file system hangs, or it forbids deletion.
	withheld bool
}

// average is the average size of its rotated files.
func (u usage) average() int64 { return max(1, u.keptBytes/int64(u.files)) }

// taken is what all take together.
func taken(usages []usage) (bytes int64) {
	for _, u := range usages {
		bytes += u.takenBytes
	}
	return bytes
}

// fairShare is what each container may take so that all together take no more than allBytes.
// Containers that take less leave the rest to the others, in equal parts. The share is at
// least allBytes divided by the number of containers, whatever the others take.
func fairShare(allBytes int64, usages []usage) int64 {
	taken := make([]int64, len(usages))
	for i, u := range usages {
		taken[i] = u.takenBytes
	}
	slices.Sort(taken)
	left := max(0, allBytes)
	for i, bytes := range taken {
		if share := left / int64(len(taken)-i); bytes > share {
			return share
		}
		left -= bytes
	}
	return left
}

// planEvictions tells how many of its oldest rotated files each container gives to free
// needBytes, or as much as there is to be had. Only containers above their share give, and
// only down to it: what one cannot give, because it has no rotated file or its files cannot
// be deleted, is not charged to those that take less. The one that takes most gives first. No
// container gives its last rotated file while another above the share has more; of the last
// files, those of ended containers go first. freedBytes is an estimate, by the average size
// of each container's files. The function is pure.
func planEvictions(needBytes int64, usages []usage) (files []int, freedBytes []int64) {
	files, freedBytes = make([]int, len(usages)), make([]int64, len(usages))
	if needBytes <= 0 {
		return files, freedBytes
	}
	share := fairShare(taken(usages)-needBytes, usages)
	var givers []int
	for i, u := range usages {
		if u.takenBytes > share && u.files > 0 && u.keptBytes > 0 && !u.withheld {
			givers = append(givers, i)
		}
	}
	// give has a container give up to most files, as far as needed.
	give := func(i int, most int64) {
		average := usages[i].average()
		if count := min(most, (needBytes+average-1)/average); count > 0 {
			files[i] += int(count)
			freedBytes[i] += count * average
			needBytes -= count * average
		}
	}
	left := func(i int) int64 { return usages[i].takenBytes - freedBytes[i] }
	mostFirst := func() { slices.SortStableFunc(givers, func(i, j int) int { return cmp.Compare(left(j), left(i)) }) }

	mostFirst()
	for _, i := range givers { // down to one file above the share
		give(i, min(int64(usages[i].files-1), (left(i)-share)/usages[i].average()))
	}
	mostFirst()
	for _, i := range givers {
		if left(i) > share && files[i] < usages[i].files-1 {
			give(i, 1)
		}
	}
	for _, ended := range []bool{true, false} {
		for _, i := range givers {
			if usages[i].ended == ended && left(i) > share && files[i] < usages[i].files {
				give(i, 1)
			}
		}
	}
	return files, freedBytes
}
