"""The real clicks: what the service has answered, by the region that it was for."""

from datetime import datetime, timedelta, timezone

from sqlalchemy import delete, select, update

from backend.store import masks
from backend.store.engine import Database
from backend.store.rows import clean, find_or_add, image_row, see_image
from backend.store.schema import AnnotationRow, ClickRow, CorrectionRow, InteractionRow
from model.corrections import Interaction


class InteractionStore:
    """Clicks on objects; thread safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, interaction: Interaction) -> None:
        """Keep the clicks on an object as they now are; the masks of those that were there before stay.

        Raises:
            StoreError: the database does not take it.
        """
        counts = masks.encode(interaction.mask)
        height, width = interaction.mask.shape
        reference = interaction.image
        with self._database.writing() as session:
            image = image_row(session, reference)
            see_image(session, image, interaction.digest, width, height)
            key = {
                "tool": reference.tool,
                "project": clean(reference.project),
                "task": clean(reference.task),
                "region": clean(interaction.region),
            }
            now = datetime.now(timezone.utc)
            rest = {"image_id": image.id, "model_version": interaction.model_version, "updated": now}
            row = find_or_add(session, InteractionRow, key, rest)
            row.model_version, row.updated = interaction.model_version, now
            _lay_out(row, interaction)
            row.clicks[-1].mask = counts
            session.execute(
                update(CorrectionRow)
                .where(
                    CorrectionRow.region == key["region"],
                    CorrectionRow.interaction_id.is_(None),
                    CorrectionRow.annotation_id.in_(
                        select(AnnotationRow.id).filter_by(
                            tool=key["tool"], project=key["project"], task=key["task"]
                        )
                    ),
                )
                .values(interaction_id=row.id, model_version=interaction.model_version)
            )

    def forget(self, older_than: timedelta) -> int:
        """Drop clicks that no correction has come of for so long; returns on how many objects."""
        with self._database.writing() as session:
            used = select(CorrectionRow.interaction_id).where(CorrectionRow.interaction_id.is_not(None))
            gone = session.scalars(
                delete(InteractionRow)
                .where(
                    InteractionRow.updated < datetime.now(timezone.utc) - older_than,
                    InteractionRow.id.not_in(used),
                )
                .returning(InteractionRow.id)
            ).all()
            return len(gone)


def _lay_out(row: InteractionRow, interaction: Interaction) -> None:
    """Bring the stored clicks to those of the interaction; the longest common beginning stays."""
    common = 0
    for old, new in zip(row.clicks, interaction.clicks, strict=False):
        if (old.role, old.x, old.y) != (new.role, new.x, new.y):
            break
        common += 1
    kept = row.clicks[:common]
    for position, new in enumerate(interaction.clicks[common:], start=common):
        # A row that has been there is changed: a new one of the same key would meet it.
        old_row = row.clicks[position] if position < len(row.clicks) else ClickRow(position=position)
        old_row.role, old_row.x, old_row.y, old_row.mask = new.role, new.x, new.y, None
        kept.append(old_row)
    row.clicks = kept
