import { MoonOutlined, QuestionCircleOutlined, SunOutlined, TranslationOutlined } from "../icons";
import { useState } from "react";
import { pick } from "../format/text";
import { later } from "../later";
import { usePreferences, useWords } from "../state/preferences";
import { useCity } from "../state/queries";
import { useLive } from "../state/refresh";
import { AccountMenu } from "./AccountMenu";
import { DayPicker } from "./DayPicker";
import { MoreMenu, WallIcon } from "./MoreMenu";
import { SceneButton } from "./SceneButton";
import { SearchBox } from "./SearchBox";
import { TimeButton } from "./TimeButton";
import { ViewsButton } from "./ViewsButton";

const KeysHelp = later(() => import("./KeysHelp"));

/** The bar on top: where one is, what one looks for, when, and who one is. */
export function TopBar() {
  const { t, language } = useWords();
  const { theme, setTheme, setDisplay, setLanguage } = usePreferences();
  const city = useCity();
  const open = useLive((live) => live.open);
  const [help, setHelp] = useState(false);
  const dark = theme === "dark";
  const title = city ? t("app.title", { city: pick(city.title, language) }) : "";
  return (
    <header className="topbar">
      <a className="skip" href="#search" onClick={(event) => { event.preventDefault(); document.getElementById("search")?.focus(); }}>
        {t("app.skip")}
      </a>
      <div className="brand">
        <img src="./mark.svg" alt="" width="26" height="26" />
        <h1 title={title}>{title}</h1>
      </div>
      <SearchBox />
      <DayPicker />
      <TimeButton />
      <SceneButton />
      <span className="spring" />
      <ViewsButton />
      <span className="live" data-open={open === true} title={t(open === false ? "live.off" : "live.on")}>
        <i aria-hidden="true" />
        <span className="visually-hidden">{t(open === false ? "live.off" : "live.on")}</span>
      </span>
      <button type="button" className="bar-button hide-narrow" id="keys" aria-label={t("settings.keys")} title={t("settings.keys")}
        onClick={() => setHelp(true)}>
        <QuestionCircleOutlined />
      </button>
      <button type="button" className="bar-button hide-narrow" aria-label={t(dark ? "settings.light" : "settings.dark")}
        title={t(dark ? "settings.light" : "settings.dark")} onClick={() => setTheme(dark ? "light" : "dark")}>
        {dark ? <SunOutlined /> : <MoonOutlined />}
      </button>
      <button type="button" className="bar-button hide-narrow" aria-label={t("big.open")} title={`${t("big.open")} (B)`} onClick={() => setDisplay("big")}>
        <WallIcon />
      </button>
      <button type="button" className="bar-button hide-narrow language" lang={language === "zh" ? "en" : "zh-CN"}
        onClick={() => setLanguage(language === "zh" ? "en" : "zh")}>
        <TranslationOutlined /><span>{t("settings.language")}</span>
      </button>
      <MoreMenu help={() => setHelp(true)} />
      <AccountMenu />
      {help && <KeysHelp close={() => setHelp(false)} />}
    </header>
  );
}
