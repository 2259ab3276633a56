import { GlobalOutlined, PlusOutlined } from "../icons";
import { useEffect, useRef } from "react";
import { later } from "../later";
import { Loading } from "../panels/PanelState";
import { CITY, orderOf, useOutside, useOutsideLayers } from "../state/outside";
import { useWords } from "../state/preferences";
import { useView } from "../state/view";

const AddDialog = later(() => import("./AddDialog"));
const OutsideRow = later(() => import("./OutsideRow"), <li><Loading rows={1} /></li>);

/** The layers of other services in the view, and the way to more of them. */
export function OutsideGroup() {
  const { t } = useWords();
  const read = useOutsideLayers();
  const order = orderOf(useView((view) => view.work.outside));
  const adding = useOutside((outside) => outside.adding);
  const group = useRef<HTMLElement>(null);
  const before = useRef(order.length);
  useEffect(() => {
    // What was just added is at the end of a long tree.
    if (order.length > before.current) group.current?.scrollIntoView({ block: "nearest" });
    before.current = order.length;
  }, [order.length]);
  return (
    <section ref={group} className="outside-group" aria-label={t("outside.title")}>
      {order.length > 0 && <h3>{t("outside.title")}</h3>}
      {order.length > 0 && (
        <ul className="outside-list">
          {order.map((id, index) => {
            if (id === CITY) return <li key={id} className="outside-city">{t("outside.city")}</li>;
            const found = read.find((each) => each.id === id);
            return <OutsideRow key={id} id={id} layer={found?.layer} error={found?.error} first={index === 0} last={index === order.length - 1} />;
          })}
        </ul>
      )}
      <button type="button" className="link-button outside-add" onClick={() => useOutside.setState({ adding: true })}>
        {order.length > 0 ? <PlusOutlined /> : <GlobalOutlined />} {t("outside.add")}
      </button>
      {adding && <AddDialog />}
    </section>
  );
}
